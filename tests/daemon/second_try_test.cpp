// SPDX-License-Identifier: LGPL-2.1-or-later
// A way back that fails is tried a second time before the set is given up.
#include "tests/daemon/desk.hpp"

#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::Fault;
using fakes::operator""_bdf;

class ASecondTry : public testing::Test {
protected:
    void given_to(const Owner& owner) {
        desk_.detach(owner);
        desk_.run_jobs();
        ASSERT_EQ(desk_.state(), SetState::Detached);
    }
    void expect_untouched() {
        EXPECT_EQ(desk_.it.owner, host);
        EXPECT_EQ(desk_.it.phase, Phase::Idle);
        EXPECT_FALSE(desk_.saved);
        EXPECT_EQ(difference(untouched_, kernel_.dump()), "");
    }
    [[nodiscard]] static event::JobEnded worker_died(std::size_t step) {
        return {PlanFailed{step, Error{Errc::Failed, "the worker died", 0}}};
    }

    const Bdf gpu_ = "01:00.0"_bdf;
    const Bdf audio_ = "01:00.1"_bdf;
    const FakeKernel kernel_{R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    )"};
    Desk desk_{kernel_, gpu_};
    const std::string untouched_ = kernel_.dump();
};

TEST_F(ASecondTry, BringsBackAGpuWhoseDriverWasBusyWhenTheVmStopped) {
    given_to(win11);
    kernel_.plan_fault("drivers_probe", gpu_, Fault::Busy);
    const Ticket stop = desk_.reattach(win11.id);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(stop));
    EXPECT_EQ(desk_.started, 3);
    expect_untouched();
}

TEST_F(ASecondTry, IsNotNeededWhereTheWorkerDiedWithItsWorkDone) {
    given_to(win11);
    const Ticket stop = desk_.reattach(win11.id);
    const std::size_t steps = desk_.it.plan.steps.size();
    desk_.run_steps(steps);
    desk_.send(worker_died(steps));
    EXPECT_TRUE(desk_.succeeded(stop));
    EXPECT_EQ(desk_.started, 2);
    expect_untouched();
}

TEST_F(ASecondTry, IsTheLast) {
    given_to(win11);
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
    given_to(alice);
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
