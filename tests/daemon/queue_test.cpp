// SPDX-License-Identifier: LGPL-2.1-or-later
// Waiting for a set that another one has, and how it goes from the one to the other.
#include "tests/daemon/one_card.hpp"

#include <gmock/gmock.h>

namespace passthru {
namespace {

using fakes::operator""_bdf;
using std::chrono::seconds;
using testing::HasSubstr;

class AQueue : public OneCard {
protected:
    void SetUp() override { detached_by(win11); }
    [[nodiscard]] std::string driver() const {
        return kernel_.inventory().find(gpu_)->driver.value_or("");
    }
};

TEST_F(AQueue, IsForThoseWhoAskToWait) {
    EXPECT_EQ(desk_.refusal(desk_.detach(games)), Errc::Busy);
    const Ticket waits = desk_.queue(games);
    EXPECT_FALSE(desk_.answer(waits));
    EXPECT_EQ(desk_.it.queue.size(), 1U);
    EXPECT_EQ(desk_.it.owner, win11);
}

TEST_F(AQueue, GetsTheSetResetAndNotByWayOfTheHost) {
    const Ticket waits = desk_.queue(games);
    const auto resets = kernel_.resets().size();
    const Ticket stop = desk_.reattach(win11.id);
    EXPECT_EQ(desk_.it.phase, Phase::Resetting);
    EXPECT_EQ(state_name(desk_.it, desk_.state()), "resetting");
    while (desk_.running) {
        EXPECT_EQ(driver(), "vfio-pci");
        desk_.run_jobs();
    }
    EXPECT_TRUE(desk_.succeeded(stop));
    EXPECT_TRUE(desk_.succeeded(waits));
    EXPECT_GT(kernel_.resets().size(), resets);
    EXPECT_EQ(desk_.it.owner, games);
    ASSERT_TRUE(desk_.saved);
    EXPECT_EQ(desk_.saved->owner, games);

    desk_.reattach(games.id);
    desk_.run_jobs();
    expect_untouched();
}

TEST_F(AQueue, KeepsItsOrder) {
    const Ticket first = desk_.queue(games);
    const Ticket second = desk_.queue(alice);
    desk_.reattach(win11.id);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(first));
    EXPECT_FALSE(desk_.answer(second));
    desk_.reattach(games.id);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(second));
    EXPECT_EQ(desk_.it.owner, alice);
    EXPECT_FALSE(desk_.it.keeper);
}

TEST_F(AQueue, EndsWithItsTime) {
    const Ticket waits = desk_.queue(games, seconds(60));
    desk_.now += seconds(59);
    desk_.send(event::TimePassed{});
    EXPECT_FALSE(desk_.answer(waits));
    desk_.now += seconds(1);
    desk_.send(event::TimePassed{});
    EXPECT_EQ(desk_.refusal(waits), Errc::TimedOut);
    EXPECT_THAT(desk_.message(waits), HasSubstr("waited 60 s: "));
    EXPECT_THAT(desk_.message(waits), HasSubstr("the VM “win11”"));
    desk_.reattach(win11.id);
    desk_.run_jobs();
    expect_untouched();
}

TEST_F(AQueue, IsLeftByWhoeverWaitsNoMore) {
    const Ticket waits = desk_.queue(games);
    const Ticket stays = desk_.queue(alice);
    desk_.send(event::Withdrawn{waits});
    EXPECT_EQ(desk_.refusal(waits), Errc::Cancelled);
    desk_.send(event::Withdrawn{waits});
    desk_.reattach(win11.id);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(stays));
}

TEST_F(AQueue, ThatEmptiesDuringTheHandOverGivesTheSetToTheHost) {
    const Ticket waits = desk_.queue(games);
    const Ticket stop = desk_.reattach(win11.id);
    desk_.send(event::Withdrawn{waits});
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(stop));
    expect_untouched();
}

TEST_F(AQueue, IsBounded) {
    for (int i = 0; i < 8; ++i) desk_.queue(games);
    EXPECT_EQ(desk_.refusal(desk_.queue(alice)), Errc::LimitsExceeded);
}

TEST_F(AQueue, HasTwoPlacesForAUser) {
    const Ticket first = desk_.queue(alice);
    EXPECT_FALSE(desk_.answer(desk_.queue_lease(gamescope, 1000)));
    const Ticket third = desk_.queue(alice);
    EXPECT_EQ(desk_.refusal(third), Errc::LimitsExceeded);
    EXPECT_THAT(desk_.message(third), HasSubstr("2 calls of yours wait for GPU 0000:01:00.0"));
    EXPECT_EQ(desk_.refusal(desk_.queue_lease(gamescope, 1000)), Errc::LimitsExceeded);
    EXPECT_FALSE(desk_.answer(desk_.queue_lease(gamescope, 1001))) << "somebody else's";
    desk_.send(event::Withdrawn{first});
    EXPECT_FALSE(desk_.answer(desk_.queue(alice)));
}

TEST_F(AQueue, DoesNotWaitForAVmThatNobodyTellsOf) {
    desk_.reattach(win11.id);
    desk_.run_jobs();
    detached_by(alice);
    ASSERT_TRUE(kernel_.open_by_guest(gpu_));
    EXPECT_EQ(desk_.refusal(desk_.queue(games)), Errc::Busy);
}

TEST_F(AQueue, AlsoHandsOverWhenTheListOfDomainsTellsOfTheEnd) {
    const Ticket waits = desk_.queue(games);
    desk_.now += seconds(1);
    desk_.send(event::DomainsListed{{}, desk_.now});
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(waits));
}

TEST_F(AQueue, TakesOverFromALeaseOnceItsProgramsHaveClosedIt) {
    desk_.reattach(win11.id);
    desk_.run_jobs();
    desk_.lend(gamescope, 1000);
    desk_.run_jobs();
    const Ticket waits = desk_.queue(games);
    desk_.reattach(gamescope.id);
    ASSERT_GE(desk_.it.plan.steps.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<step::LendNodes>(desk_.it.plan.steps[0]));
    EXPECT_EQ(std::get<step::CheckUnused>(desk_.it.plan.steps[1]).wait, seconds(30));
    EXPECT_FALSE(std::holds_alternative<step::CheckUnused>(desk_.it.plan.steps[2])) << "one look";

    desk_.send(event::JobEnded{PlanFailed{1, Error{Errc::InUse, "gamescope has it open", 0}}});
    EXPECT_EQ(desk_.it.owner, gamescope) << "nothing was changed";
    EXPECT_FALSE(desk_.answer(waits));
    desk_.reattach(gamescope.id);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(waits));
    EXPECT_EQ(kernel_.user_of("/dev/vfio/1"), 0U);
    EXPECT_EQ(desk_.it.owner, games);
}

TEST_F(AQueue, GetsTheSetFromTheHostWhenAResetInBetweenFails) {
    const Ticket waits = desk_.queue(games);
    const Ticket stop = desk_.reattach(win11.id);
    desk_.send(event::JobEnded{PlanFailed{0, Error{Errc::Failed, "the worker died", 0}}});
    EXPECT_EQ(desk_.it.phase, Phase::Reattaching);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(stop));
    EXPECT_TRUE(desk_.succeeded(waits));
    EXPECT_EQ(desk_.it.owner, games);
}

TEST_F(AQueue, IsToldWhenTheCardIsDead) {
    const Ticket waits = desk_.queue(games);
    desk_.reattach(win11.id);
    desk_.send(event::JobEnded{PlanFailed{0, Error{Errc::NeedsReboot, "it is dead", 0}}});
    EXPECT_EQ(desk_.refusal(waits), Errc::NeedsReboot);
    EXPECT_EQ(desk_.it.phase, Phase::Failed);
    EXPECT_TRUE(desk_.it.queue.empty());
}

TEST_F(AQueue, IsToldWhenTheDriverHangs) {
    const Ticket waits = desk_.queue(games);
    desk_.reattach(win11.id);
    desk_.send(event::StepOverdue{seconds(30), std::nullopt});
    EXPECT_EQ(desk_.refusal(waits), Errc::Stuck);
}

TEST_F(AQueue, GoesOnWithTheNextWhenTheFirstCannotHaveIt) {
    const Ticket first = desk_.queue_lease(gamescope, 1000);
    const Ticket second = desk_.queue(games);
    desk_.reattach(win11.id);
    desk_.run_job();
    ASSERT_EQ(desk_.it.phase, Phase::Detaching) << "its nodes are lent";
    desk_.send(event::JobEnded{PlanFailed{0, Error{Errc::Failed, "no such node", 0}}});
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(first), Errc::Failed);
    EXPECT_TRUE(desk_.succeeded(second));
    EXPECT_EQ(desk_.it.owner, games);
}

TEST_F(AQueue, WhoseOnlyOneCannotHaveTheSetGivesItToTheHost) {
    const Ticket only = desk_.queue_lease(gamescope, 1000);
    desk_.reattach(win11.id);
    desk_.run_job();
    desk_.send(event::JobEnded{PlanFailed{0, Error{Errc::Failed, "no such node", 0}}});
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(only), Errc::Failed);
    expect_untouched();
}

TEST_F(AQueue, OfASetWithAKeeperGetsItFromHim) {
    desk_.reattach(win11.id);
    desk_.run_jobs();
    detached_by(alice);
    desk_.detach(win11);
    const Ticket waits = desk_.queue(games);
    desk_.reattach(win11.id);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(waits));
    EXPECT_EQ(desk_.it.owner, games);
    EXPECT_EQ(desk_.it.keeper, alice);
}

TEST_F(AQueue, IsForgottenByARestartInTheMiddleAndTheHostGetsTheSet) {
    desk_.queue(games);
    desk_.reattach(win11.id);
    desk_.restart();
    desk_.now += seconds(1);
    desk_.send(event::DomainsListed{{}, desk_.now});
    desk_.run_jobs();
    expect_untouched();
}

/// A network card in the GPU's group, which moves only for whom lists it.
class AQueueForAGroup : public testing::Test {
protected:
    const Bdf gpu_ = "01:00.0"_bdf;
    const Bdf network_ = "02:00.0"_bdf;
    const fakes::FakeKernel kernel_{R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
        00:02.0 0604 8086:460d group 1 driver pcieport
          02:00.0 0200 8086:1521 group 1 driver igb
    )"};
    Desk desk_{kernel_, gpu_};
};

TEST_F(AQueueForAGroup, GoesHomeInBetweenWhenTheNextOneTakesLess) {
    desk_.detach(win11, {gpu_, network_});
    desk_.run_jobs();
    const Ticket less = desk_.queue(games, seconds(60), {gpu_});
    desk_.reattach(win11.id);
    EXPECT_EQ(desk_.it.phase, Phase::Reattaching);
    desk_.run_jobs();
    EXPECT_EQ(kernel_.inventory().find(network_)->driver, "igb");
    EXPECT_EQ(desk_.refusal(less), Errc::NotIsolated) << "as it would be without a queue";
    EXPECT_EQ(desk_.it.owner, host);
}

TEST_F(AQueueForAGroup, TakesMoreThanTheOneBefore) {
    desk_.detach(win11, {gpu_, network_});
    desk_.run_jobs();
    const Ticket same = desk_.queue(games, seconds(60), {gpu_, network_});
    desk_.reattach(win11.id);
    EXPECT_EQ(desk_.it.phase, Phase::Resetting);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(same));
}

}  // namespace
}  // namespace passthru
