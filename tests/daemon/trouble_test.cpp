// SPDX-License-Identifier: LGPL-2.1-or-later
// An assignment when moves fail, are wished against each other, or are cut off.
#include "tests/daemon/one_card.hpp"

#include <gmock/gmock.h>

namespace passthru {
namespace {

using fakes::Fault;
using testing::AllOf;
using testing::HasSubstr;
using namespace std::chrono_literals;

using ASetInTrouble = OneCard;

// Undo

TEST_F(ASetInTrouble, ThatFailsHalfWayIsPutBackBeforeTheAnswer) {
    kernel_.plan_fault("drivers_probe", gpu_, Fault::NoEffect);
    const Ticket start = desk_.detach(win11);
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(start), Errc::BindFailed);
    expect_untouched();
}

TEST_F(ASetInTrouble, ThatIsInUseIsRefusedWithoutAMove) {
    kernel_.add_process(77, "Xorg", {"/dev/dri/card0"});
    const Ticket start = desk_.detach(win11);
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(start), Errc::InUse);
    EXPECT_THAT(desk_.message(start), HasSubstr("Xorg"));
    expect_untouched();
}

TEST_F(ASetInTrouble, IsFailedWhenItCannotBePutBackAndSaysBothReasons) {
    kernel_.plan_fault("drivers_probe", gpu_, Fault::NoEffect, 0);
    const Ticket start = desk_.detach(win11);
    desk_.run_jobs();
    EXPECT_EQ(desk_.it.phase, Phase::Failed);
    EXPECT_EQ(state_name(desk_.it, desk_.state()), "failed");
    EXPECT_THAT(desk_.message(start), HasSubstr("vfio-pci"));
    EXPECT_THAT(desk_.message(start), HasSubstr("and it could not be put back"));
    EXPECT_EQ(desk_.message(desk_.detach(games)), desk_.message(start)) << "refused from then on";

    kernel_.clear_faults();
    const Ticket repair = desk_.reattach();
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(repair));
    expect_untouched();
}

TEST_F(ASetInTrouble, OfTheAdministratorStaysHisWhenASecondDetachIsRefused) {
    detached_by(alice);
    kernel_.move(audio_, std::nullopt);
    kernel_.put("sys/bus/pci/devices/0000:01:00.1/driver_override", "(null)\n");
    kernel_.move(audio_, "snd_hda_intel");
    kernel_.add_process(77, "pipewire", {"/dev/snd/controlC0"});
    const Ticket again = desk_.detach(alice);
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(again), Errc::InUse);
    EXPECT_EQ(desk_.it.owner, alice);
    kernel_.end_process(77);
    const Ticket back = desk_.reattach();
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(back));
    EXPECT_EQ(kernel_.driver_of(gpu_), "nouveau");
}

TEST_F(ASetInTrouble, IsAskedToCancelOnlyWhileItIsBeingTaken) {
    desk_.send(event::CancelWanted{});
    EXPECT_EQ(desk_.cancelled, 0);
    const Ticket start = desk_.detach(win11);
    desk_.run_steps(4);
    desk_.send(event::CancelWanted{});
    EXPECT_EQ(desk_.cancelled, 1);
    desk_.send(event::JobEnded{PlanFailed{4, Error{Errc::Cancelled, "the move was cancelled", 0}}});
    desk_.send(event::CancelWanted{});
    EXPECT_EQ(desk_.cancelled, 1) << "an undo goes on to its end";
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(start), Errc::Cancelled);
    expect_untouched();
}

// Wishes

TEST_F(ASetInTrouble, OnItsWayBackGoesToTheNextWhenItIsThere) {
    detached_by(win11);
    const Ticket stop = desk_.reattach(win11.id);
    const Ticket next = desk_.detach(games);
    const Ticket third = desk_.detach(alice);
    EXPECT_EQ(desk_.refusal(third), Errc::Busy) << "one wish, no queue";
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(stop));
    EXPECT_TRUE(desk_.succeeded(next));
    EXPECT_EQ(desk_.it.owner, games);
    EXPECT_EQ(desk_.state(), SetState::Detached);
}

TEST_F(ASetInTrouble, ThatIsGivenBackWhileItIsTakenGoesThereAndBack) {
    const Ticket start = desk_.detach(win11);
    const Ticket stop = desk_.reattach(win11.id);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(start));
    EXPECT_TRUE(desk_.succeeded(stop));
    expect_untouched();
}

TEST_F(ASetInTrouble, ThatIsBeingUndoneAnswersAReattachByItsOwnEnd) {
    kernel_.plan_fault("drivers_probe", gpu_, Fault::NoEffect);
    const Ticket start = desk_.detach(win11);
    desk_.run_steps(desk_.it.plan.steps.size() - 1);
    desk_.send(event::JobEnded{
        PlanFailed{desk_.it.plan.steps.size() - 1, Error{Errc::BindFailed, "no", 0}}});
    ASSERT_EQ(desk_.it.phase, Phase::Undoing);
    kernel_.clear_faults();
    const Ticket stop = desk_.reattach(win11.id);
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(start), Errc::BindFailed);
    EXPECT_TRUE(desk_.succeeded(stop)) << desk_.message(stop);
    expect_untouched();
}

TEST_F(ASetInTrouble, ThatAProcessHoldsAnswersWhoeverWaitsForIt) {
    detached_by(win11);
    ASSERT_TRUE(kernel_.open_by_guest(gpu_));
    const Ticket stop = desk_.reattach(win11.id);
    const Ticket next = desk_.detach(games);
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(stop), Errc::InUse);
    EXPECT_EQ(desk_.refusal(next), Errc::Busy);
    EXPECT_EQ(desk_.it.owner, win11) << "it is tried again when the process has ended";
    kernel_.close_by_guest(gpu_);
    desk_.reattach(win11.id);
    desk_.run_jobs();
    expect_untouched();
}

// Stuck

TEST_F(ASetInTrouble, WhoseDriverDoesNotComeBackIsStuckForEver) {
    const Ticket start = desk_.detach(win11);
    desk_.run_steps(4);
    const Ticket stop = desk_.reattach(win11.id);
    desk_.send(event::StepOverdue{30s, {}});
    EXPECT_EQ(desk_.refusal(start), Errc::Stuck);
    EXPECT_EQ(desk_.refusal(stop), Errc::Stuck);
    EXPECT_THAT(desk_.message(start), HasSubstr(describe(desk_.it.plan.steps[4])));
    EXPECT_THAT(desk_.message(start), HasSubstr("within 30 s"));
    EXPECT_EQ(desk_.cancelled, 1) << "it shall not go on if it comes back";
    EXPECT_EQ(desk_.refusal(desk_.detach(games)), Errc::Stuck);
    EXPECT_EQ(desk_.refusal(desk_.reattach()), Errc::Stuck);
    EXPECT_EQ(desk_.refusal(desk_.reattach(win11.id)), Errc::Stuck);
    desk_.restart();
    EXPECT_EQ(desk_.refusal(desk_.detach(games)), Errc::Stuck);
    EXPECT_EQ(desk_.started, 1);
}

TEST_F(ASetInTrouble, IsStuckWithTheProcessAndItsPlaceInTheKernel) {
    desk_.detach(win11);
    desk_.run_steps(4);
    desk_.send(event::StepOverdue{30s, WorkerProcess{4321, 99}});
    desk_.send(event::StuckIn{"msleep ← nv_pci_remove"});
    desk_.restart();
    EXPECT_EQ(desk_.it.stuck_worker, (WorkerProcess{4321, 99})) << "the journal has it";
    EXPECT_THAT(desk_.message(desk_.detach(games)),
                AllOf(HasSubstr("process 4321"), HasSubstr("waits in msleep ← nv_pci_remove")));
}

TEST_F(ASetInTrouble, WhoseDriverComesBackAfterAllIsGivenBackWhenAsked) {
    desk_.detach(win11);
    desk_.run_steps(4);
    desk_.send(event::StepOverdue{30s, WorkerProcess{4321, 99}});
    desk_.send(event::StepDone{4});
    desk_.send(event::JobEnded{PlanFailed{5, {Errc::Cancelled, "", 0}}});
    EXPECT_EQ(desk_.it.phase, Phase::Failed);
    EXPECT_EQ(desk_.it.stuck_worker, std::nullopt);
    EXPECT_THAT(desk_.message(desk_.detach(games)), HasSubstr("ask for Reattach"));
    desk_.reattach();
    desk_.run_jobs();
    expect_untouched();
}

TEST_F(ASetInTrouble, WhoseWorkerIsGoneAfterARestartIsStuckNoMore) {
    desk_.detach(win11);
    desk_.run_steps(4);
    desk_.send(event::StepOverdue{30s, WorkerProcess{4321, 99}});
    desk_.restart();
    desk_.send(event::WorkerGone{});
    EXPECT_EQ(desk_.it.phase, Phase::Failed);
    desk_.reattach();
    desk_.run_jobs();
    expect_untouched();
}

TEST_F(ASetInTrouble, IsNotStuckBecauseOfATimerThatComesLate) {
    detached_by(win11);
    desk_.send(event::StepOverdue{30s, {}});
    EXPECT_EQ(desk_.it.phase, Phase::Idle);
}

// Lists of domains

TEST_F(ASetInTrouble, OfADomainThatEndedWithoutItsHookIsGivenBack) {
    detached_by(win11);
    desk_.send(event::DomainsListed{{games.id}, desk_.now + 1s});
    desk_.run_jobs();
    expect_untouched();
}

TEST_F(ASetInTrouble, OfADomainThatRunsStays) {
    detached_by(win11);
    desk_.send(event::DomainsListed{{win11.id}, desk_.now + 1s});
    EXPECT_FALSE(desk_.running);
    EXPECT_EQ(desk_.it.owner, win11);
}

TEST_F(ASetInTrouble, IsNotTakenFromAStartingDomainByAListFromBefore) {
    const SteadyTime asked_at = desk_.now;
    desk_.now += 1s;
    detached_by(win11);
    desk_.send(event::DomainsListed{{}, asked_at});
    EXPECT_FALSE(desk_.running);
    EXPECT_EQ(desk_.it.owner, win11);
}

TEST_F(ASetInTrouble, OfTheAdministratorDoesNotCareForDomains) {
    detached_by(alice);
    desk_.send(event::DomainsListed{{}, desk_.now + 1s});
    EXPECT_FALSE(desk_.running);
    EXPECT_EQ(desk_.it.owner, alice);
}

TEST_F(ASetInTrouble, IsReadAgainstTheListAfterARestartToo) {
    detached_by(win11);
    desk_.restart();
    EXPECT_FALSE(desk_.running) << "a running VM is not disturbed by a restart";
    EXPECT_EQ(desk_.it.owner, win11);
    desk_.send(event::DomainsListed{{}, desk_.now});
    desk_.run_jobs();
    expect_untouched();
}

// Restart

TEST_F(ASetInTrouble, ThatWasCutOffAnywhereIsOnTheHostAfterARestart) {
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
        expect_untouched();
    }
}

TEST_F(ASetInTrouble, OnItsWayBackThatWasCutOffAnywhereIsOnTheHostAfterARestart) {
    detached_by(win11);
    desk_.reattach(win11.id);
    const std::size_t steps = desk_.it.plan.steps.size();
    desk_.run_jobs();
    for (std::size_t done = 0; done <= steps; ++done) {
        SCOPED_TRACE(done);
        detached_by(win11);
        desk_.reattach(win11.id);
        desk_.run_steps(done);
        desk_.restart();
        desk_.run_jobs();
        expect_untouched();
    }
}

TEST_F(ASetInTrouble, ThatTheLastDaemonsWorkerWentOnMovingIsOnTheHostAfterARestart) {
    desk_.detach(win11);
    const Plan detach = desk_.it.plan;
    desk_.restart();
    ASSERT_TRUE(desk_.running) << "waits for the worker";
    run(kernel_, detach);
    desk_.run_jobs();
    expect_untouched();
}

TEST_F(ASetInTrouble, ThatAVmTookFromTheAdministratorIsHisAfterARestartInTheMiddle) {
    detached_by(alice);
    kernel_.move(audio_, std::nullopt);
    desk_.detach(win11);
    ASSERT_TRUE(desk_.running);
    desk_.restart();
    desk_.run_jobs();
    EXPECT_EQ(desk_.it.owner, alice);
    EXPECT_EQ(kernel_.driver_of(gpu_), "vfio-pci");
}

}  // namespace
}  // namespace passthru
