// SPDX-License-Identifier: LGPL-2.1-or-later
// A way back that fails is tried a second time before the set is given up.
#include "tests/daemon/one_card.hpp"

namespace passthru {
namespace {

using fakes::Fault;

using ASecondTry = OneCard;

event::JobEnded worker_died(std::size_t step) {
    return {PlanFailed{step, Error{Errc::Failed, "the worker died", 0}}};
}

TEST_F(ASecondTry, BringsBackAGpuWhoseDriverWasBusyWhenTheVmStopped) {
    detached_by(win11);
    kernel_.plan_fault("drivers_probe", gpu_, Fault::Busy);
    const Ticket stop = desk_.reattach(win11.id);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(stop));
    EXPECT_EQ(desk_.started, 3);
    expect_untouched();
}

TEST_F(ASecondTry, IsNotNeededWhereTheWorkerDiedWithItsWorkDone) {
    detached_by(win11);
    const Ticket stop = desk_.reattach(win11.id);
    const std::size_t steps = desk_.it.plan.steps.size();
    desk_.run_steps(steps);
    desk_.send(worker_died(steps));
    EXPECT_TRUE(desk_.succeeded(stop));
    EXPECT_EQ(desk_.started, 2);
    expect_untouched();
}

TEST_F(ASecondTry, IsTheLast) {
    detached_by(win11);
    const Ticket stop = desk_.reattach(win11.id);
    desk_.send(worker_died(0));
    EXPECT_EQ(desk_.it.phase, Phase::Reattaching);
    desk_.send(worker_died(0));
    EXPECT_EQ(desk_.it.phase, Phase::Failed);
    EXPECT_EQ(desk_.refusal(stop), Errc::Failed);

    const Ticket repair = desk_.reattach();
    desk_.send(worker_died(0));
    EXPECT_EQ(desk_.it.phase, Phase::Reattaching) << "another wish has two tries of its own";
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(repair));
    expect_untouched();
}

TEST_F(ASecondTry, GivesAnAdministratorBackWhatAVmCouldNotGet) {
    detached_by(alice);
    kernel_.move(audio_, std::nullopt);
    const std::string before = kernel_.dump();
    const Ticket start = desk_.detach(win11);
    const std::size_t last = desk_.it.plan.steps.size() - 1;
    desk_.run_steps(last);
    desk_.send(worker_died(last));
    ASSERT_EQ(desk_.it.phase, Phase::Undoing);
    desk_.send(worker_died(0));
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(start), Errc::Failed);
    EXPECT_EQ(desk_.it.owner, alice);
    EXPECT_EQ(difference(before, kernel_.dump()), "");
}

}  // namespace
}  // namespace passthru
