// SPDX-License-Identifier: LGPL-2.1-or-later
// What the administrator wants to happen around a move: services that are stopped for it, and a GPU
// that stays detached after a VM.
#include "tests/daemon/one_card.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace passthru {
namespace {

using testing::ElementsAre;

class AService : public OneCard {
protected:
    AService() {
        kernel_.put("etc/passthrud/passthrud.conf",
                    fmt::format("[gpu.\"*\"]\nstop-services = [\"{}\"]\n", name_));
        kernel_.run_service(name_);
        desk_.stop_services = {name_};
    }
    [[nodiscard]] bool runs() const { return kernel_.runs_service(name_); }
    void expect_all_as_before() {
        EXPECT_EQ(desk_.it.owner, host);
        EXPECT_EQ(desk_.it.phase, Phase::Idle);
        EXPECT_FALSE(desk_.saved);
        EXPECT_EQ(difference(before_, kernel_.dump()), "");
    }

    const std::string name_ = "nvidia-persistenced.service";
    const std::string before_ = [this] {
        kernel_.run_service(name_);
        return kernel_.dump();
    }();
};

TEST_F(AService, IsStoppedForTheVmAndStartedAgainAfterIt) {
    detached_by(win11);
    EXPECT_FALSE(runs());
    ASSERT_TRUE(desk_.saved);
    EXPECT_THAT(desk_.saved->stopped_services, ElementsAre(name_));
    desk_.reattach(win11.id);
    desk_.run_jobs();
    EXPECT_TRUE(runs());
    expect_all_as_before();
}

TEST_F(AService, ThatDidNotRunIsNotStartedAfterTheVm) {
    std::ignore = kernel_.doors().stop_service(name_, -1);
    detached_by(win11);
    desk_.reattach(win11.id);
    desk_.run_jobs();
    EXPECT_FALSE(runs());
}

TEST_F(AService, IsStartedAgainWhereTheDetachFails) {
    kernel_.plan_fault("drivers_probe", gpu_, fakes::Fault::Invalid, 1);
    const Ticket start = desk_.detach(win11);
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(start), Errc::BindFailed);
    expect_all_as_before();
}

TEST_F(AService, IsStartedAgainAfterACrashAtAnyStep) {
    desk_.detach(win11);
    const std::size_t steps = desk_.it.plan.steps.size();
    desk_.run_jobs();
    desk_.reattach(win11.id);
    desk_.run_jobs();
    for (std::size_t done = 0; done <= steps; ++done) {
        SCOPED_TRACE(done);
        desk_.detach(win11);
        desk_.run_steps(done);
        desk_.restart();
        desk_.run_jobs();
        expect_all_as_before();
    }
}

TEST_F(AService, IsStartedAgainWhereTheCardWasPulledOutOfTheVm) {
    detached_by(win11);
    kernel_.unplug_card(gpu_);
    desk_.reattach(win11.id);
    desk_.run_jobs();
    EXPECT_TRUE(runs());
    EXPECT_EQ(desk_.it.owner, host);
    EXPECT_FALSE(desk_.saved);
}

TEST_F(AService, IsStartedAgainWhereAnotherToolBroughtTheGpuHome) {
    detached_by(alice);
    kernel_.move(gpu_, "nouveau");
    kernel_.move(audio_, "snd_hda_intel");
    desk_.send(event::MachineChanged{});
    desk_.run_jobs();
    EXPECT_TRUE(runs());
    EXPECT_EQ(desk_.it.owner, host);
    EXPECT_FALSE(desk_.saved);
}

TEST_F(AService, StaysStoppedFromVmToVm) {
    detached_by(win11);
    const Ticket waits = desk_.queue(games);
    desk_.reattach(win11.id);
    while (desk_.running) {
        EXPECT_FALSE(runs());
        desk_.run_job();
    }
    EXPECT_TRUE(desk_.succeeded(waits));
    desk_.reattach(games.id);
    desk_.run_jobs();
    expect_all_as_before();
}

/// Nothing of the plan can be done, again and again.
TEST_F(AService, ThatCannotBeStartedForACardThatIsGoneKeepsNobodyBusy) {
    detached_by(win11);
    kernel_.unplug_card(gpu_);
    desk_.reattach(win11.id);
    for (int jobs = 0; desk_.running; ++jobs) {
        ASSERT_LT(jobs, 10);
        desk_.send(event::JobEnded{PlanFailed{0, Error{Errc::Failed, "no worker", 0}}});
    }
    EXPECT_EQ(desk_.it.owner, host);
    EXPECT_FALSE(desk_.saved);
}

class AKeptGpu : public OneCard {
protected:
    AKeptGpu() { desk_.at_stop = AtStop::Keep; }
    const Owner root_{OwnerKind::Administrator, "0", "root"};
};

TEST_F(AKeptGpu, IsResetAndStaysForTheNextVm) {
    detached_by(win11);
    const auto resets = kernel_.resets().size();
    const Ticket stop = desk_.reattach(win11.id);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(stop));
    EXPECT_GT(kernel_.resets().size(), resets);
    EXPECT_EQ(desk_.it.owner, root_);
    EXPECT_EQ(desk_.state(), SetState::Detached);
    detached_by(games);
    desk_.reattach(games.id);
    desk_.run_jobs();
    EXPECT_EQ(desk_.it.owner, root_);
    const Ticket home = desk_.reattach();
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(home));
    expect_untouched();
}

TEST_F(AKeptGpu, IsAtHomeWhereTheStartFailed) {
    kernel_.plan_fault("drivers_probe", gpu_, fakes::Fault::Invalid, 1);
    const Ticket start = desk_.detach(win11);
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(start), Errc::BindFailed);
    expect_untouched();
}

TEST_F(AKeptGpu, IsAtHomeAfterACrashInTheMiddleOfAStart) {
    desk_.detach(win11);
    desk_.run_steps(desk_.it.plan.steps.size() - 1);
    desk_.restart();
    desk_.run_jobs();
    expect_untouched();
}

TEST_F(AKeptGpu, GoesHomeForItsAdministrator) {
    detached_by(alice);
    desk_.reattach();
    desk_.run_jobs();
    expect_untouched();
}

}  // namespace
}  // namespace passthru
