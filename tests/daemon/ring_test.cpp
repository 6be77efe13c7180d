// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/ring.hpp"

#include "tests/daemon/ring_world.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace passthru {
namespace {

using fakes::Fault;
using fakes::operator""_bdf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using namespace std::chrono_literals;

using ARing = TwoCards;

TEST_F(ARing, MovesASetAndBack) {
    EXPECT_TRUE(answer(detach(first_, alice)).succeeded());
    EXPECT_EQ(kernel_.driver_of(first_), "vfio-pci");
    EXPECT_EQ(kernel_.driver_of(first_audio_), "vfio-pci");
    EXPECT_TRUE(answer(reattach(first_)).succeeded());
    EXPECT_EQ(difference_to_start(), "");
    EXPECT_THAT(kernel_.accidents(), IsEmpty());
    EXPECT_THAT(jobs_ended_, ElementsAre(Pair(2U, true), Pair(4U, true)));
    EXPECT_THAT(journal_.load().assignments, IsEmpty());
}

TEST_F(ARing, KnowsWhichSetHasAFunction) {
    EXPECT_EQ(ring_->set_with(first_audio_), first_);
    EXPECT_EQ(ring_->set_with("00:1f.0"_bdf), std::nullopt);
    EXPECT_EQ(ring_->sets().size(), 2U);
}

TEST_F(ARing, BringsHomeWhatIsExcludedMeanwhile) {
    ASSERT_TRUE(answer(detach(first_, win11)).succeeded());
    config_.gpus[first_.str()].exclude = true;
    ring_->set_config(config_);
    ring_->refresh();
    EXPECT_EQ(ring_->set_with(first_), first_) << "its VM has it still";
    EXPECT_TRUE(answer(release(win11)).succeeded());
    EXPECT_EQ(difference_to_start(), "");
    ring_->refresh();
    EXPECT_EQ(ring_->set_with(first_), std::nullopt);
}

TEST_F(ARing, BringsHomeAfterARestartWhatIsExcludedMeanwhile) {
    ASSERT_TRUE(answer(detach(first_, win11)).succeeded());
    config_.gpus[first_.str()].exclude = true;
    start();
    EXPECT_TRUE(answer(release(win11)).succeeded());
    EXPECT_EQ(difference_to_start(), "");
    ring_->refresh();
    EXPECT_EQ(ring_->set_with(first_), std::nullopt);
}

TEST_F(ARing, TriesOutWithoutDoing) {
    const DryRun run = ring_->dry_run_detach(first_, {}, games, {first_});
    EXPECT_FALSE(run.steps.empty());
    EXPECT_THAT(run.judgement.refusals, IsEmpty());
    EXPECT_EQ(entry(first_).assignment.phase, Phase::Idle);
    EXPECT_EQ(difference_to_start(), "");
}

TEST_F(ARing, IsStuckWithOneSetAndGoesOnWithTheOther) {
    start(1s);
    kernel_.plan_fault("unbind", first_, Fault::Block);
    const Asked stuck = answer(detach(first_, win11));
    ASSERT_TRUE(stuck.refusal);
    EXPECT_EQ(stuck.refusal->code, Errc::Stuck);
    EXPECT_THAT(stuck.refusal->message, HasSubstr("unbind 0000:01:00.0 from nouveau"));
    EXPECT_THAT(jobs_ended_, ElementsAre(Pair(2U, false)));
    EXPECT_EQ(entry(first_).last_error, stuck.refusal);

    EXPECT_TRUE(answer(detach(second_, games)).succeeded());
    EXPECT_EQ(answer(detach(first_, games)).refusal->code, Errc::Stuck);

    // When it comes back after all nothing more is done, until somebody asks.
    kernel_.unblock();
    wait_until([&] { return entry(first_).assignment.phase == Phase::Failed; }, "its coming back");
    EXPECT_EQ(kernel_.driver_of(first_), std::nullopt);
    EXPECT_EQ(answer(detach(first_, games)).refusal->code, Errc::Stuck);
    EXPECT_TRUE(answer(reattach(first_)).succeeded());
    EXPECT_EQ(kernel_.driver_of(first_), "nouveau");
    EXPECT_EQ(entry(second_).assignment.owner, games);
}

TEST_F(ARing, DoesNotAskForWhatADriverThatHangsKeepsLocked) {
    start(1s);
    kernel_.plan_fault("unbind", first_, Fault::Block);
    const auto asked = detach(first_, win11);
    wait_for_a_blocked_write();
    // Whoever reads it on a real machine now waits for the driver; here he is seen to have read.
    kernel_.put(fmt::format("sys/bus/pci/devices/{}/driver_override", first_.str()), "was-read\n");
    const auto was_read = [&] {
        return ring_->inventory().find(first_)->driver_override == "was-read";
    };
    ring_->refresh();
    EXPECT_EQ(answer(detach(first_, games)).refusal->code, Errc::Busy);
    EXPECT_FALSE(was_read()) << "while it is at work";
    EXPECT_EQ(answer(asked).refusal->code, Errc::Stuck);
    ring_->refresh();
    EXPECT_EQ(answer(detach(first_, games)).refusal->code, Errc::Stuck);
    EXPECT_FALSE(ring_->dry_run_detach(first_, {}, games, {first_}).judgement.refusals.empty());
    EXPECT_FALSE(ring_->dry_run_reattach(first_).judgement.refusals.empty());
    EXPECT_TRUE(answer(detach(second_, games)).succeeded());
    EXPECT_FALSE(was_read()) << "while it is stuck";
    start();
    EXPECT_EQ(answer(detach(first_, games)).refusal->code, Errc::Stuck);
    EXPECT_FALSE(was_read()) << "after a restart";
    kernel_.unblock();
}

std::string stat_line(std::uint64_t started) {
    std::string text = "1 (passthru ) worker) D";
    for (int field = 4; field < 22; ++field) text += " 0";
    return text + fmt::format(" {} 0 0\n", started);
}

TEST_F(ARing, KnowsAfterARestartWhetherTheStuckWorkerIsStillThere) {
    start(1s);
    kernel_.plan_fault("unbind", first_, Fault::Block);
    ASSERT_EQ(answer(detach(first_, win11)).refusal->code, Errc::Stuck);
    const auto worker = entry(first_).assignment.stuck_worker;
    ASSERT_TRUE(worker);
    start();
    EXPECT_EQ(entry(first_).assignment.phase, Phase::Stuck) << "processes are hidden";
    kernel_.put("proc/1/stat", stat_line(1));
    kernel_.put(fmt::format("proc/{}/stat", worker->pid), stat_line(worker->started));
    start();
    EXPECT_EQ(entry(first_).assignment.phase, Phase::Stuck) << "it is still there";
    kernel_.unblock();
    wait_until([&] { return entry(first_).assignment.phase == Phase::Failed; }, "its end");
    EXPECT_TRUE(answer(reattach(first_)).succeeded());
    EXPECT_EQ(difference_to_start(), "");
}

TEST_F(ARing, IsNotDeceivedByAProcessWithTheNumberOfAStuckWorker) {
    start(1s);
    kernel_.plan_fault("unbind", first_, Fault::Block);
    ASSERT_EQ(answer(detach(first_, win11)).refusal->code, Errc::Stuck);
    const auto worker = entry(first_).assignment.stuck_worker;
    ASSERT_TRUE(worker);
    kernel_.put("proc/1/stat", stat_line(1));
    kernel_.put(fmt::format("proc/{}/stat", worker->pid), stat_line(worker->started + 1));
    start();
    wait_until([&] { return entry(first_).assignment.phase == Phase::Failed; }, "what it sees");
    kernel_.unblock();
}

TEST_F(ARing, CancelsAMoveAtItsNextStep) {
    kernel_.plan_fault("unbind", first_audio_, Fault::Block);
    const auto asked = detach(first_, alice);
    wait_for_a_blocked_write();
    ring_->cancel(first_);
    kernel_.unblock();
    EXPECT_EQ(answer(asked).refusal->code, Errc::Cancelled);
    EXPECT_EQ(difference_to_start(), "");
}

TEST_F(ARing, PutsBackWhatAWorkerThatDiedLeft) {
    kernel_.plan_fault("unbind", first_, Fault::InputOutput);
    EXPECT_EQ(answer(detach(first_, alice)).refusal->code, Errc::BindFailed);
    EXPECT_EQ(difference_to_start(), "");
    EXPECT_EQ(entry(first_).assignment.owner, host);
}

TEST_F(ARing, DoesNotBeginWithoutAJournal) {
    kernel_.put("run", "a file where the folder should be");
    const Asked refused = answer(detach(first_, alice));
    ASSERT_TRUE(refused.refusal);
    EXPECT_THAT(refused.refusal->message, HasSubstr("journal"));
    EXPECT_THAT(kernel_.writes(), IsEmpty());
    EXPECT_EQ(entry(first_).assignment.owner, host);
}

TEST_F(ARing, AnswersWhoeverGaveItBackWhenTheNextCannotBeginWithoutAJournal) {
    ASSERT_TRUE(answer(detach(first_, win11)).succeeded());
    kernel_.plan_fault("unbind", first_, Fault::Block);
    const auto stop = reattach(first_, win11.id);
    wait_for_a_blocked_write();
    const auto next = detach(first_, games);
    std::filesystem::remove_all(kernel_.path() / "run");
    kernel_.put("run", "a file where the folder should be");
    kernel_.unblock();
    EXPECT_TRUE(answer(stop).succeeded());
    EXPECT_THAT(answer(next).refusal->message, HasSubstr("journal"));
    EXPECT_EQ(difference_to_start(), "");
}

TEST_F(ARing, ReadsTheMachineAgainAfterTheMoveThatWasUnderWay) {
    kernel_.plan_fault("unbind", first_, Fault::Block);
    const auto asked = detach(first_, alice);
    wait_for_a_blocked_write();
    kernel_.unplug(second_);
    kernel_.unplug("02:00.1"_bdf);
    ring_->refresh();
    EXPECT_TRUE(ring_->sets().contains(second_));
    kernel_.unblock();
    EXPECT_TRUE(answer(asked).succeeded());
    wait_until([&] { return !ring_->sets().contains(second_); },
               "the unplugged card to be forgotten");
}

TEST_F(ARing, FreesTheSetOfADomainThatIsNotListed) {
    ASSERT_TRUE(answer(detach(first_, win11)).succeeded());
    ring_->domains_listed({win11.id}, std::chrono::steady_clock::now());
    EXPECT_FALSE(entry(first_).job);
    ring_->domains_listed({}, std::chrono::steady_clock::now());
    wait_until_idle();
    EXPECT_EQ(difference_to_start(), "");
}

TEST_F(ARing, LeavesARunningVmAloneWhenItIsRestarted) {
    ASSERT_TRUE(answer(detach(first_, win11)).succeeded());
    ASSERT_TRUE(kernel_.open_by_guest(first_));
    const std::string running = kernel_.dump();
    start();
    wait_until_idle();
    EXPECT_EQ(entry(first_).assignment.owner, win11);
    EXPECT_EQ(difference(running, kernel_.dump()), "");
}

TEST_F(ARing, BringsBackWhatWasBeingTakenWhenItIsRestarted) {
    for (const Bdf& hangs : {first_audio_, first_}) {
        SCOPED_TRACE(hangs.str());
        kernel_.plan_fault("unbind", hangs, Fault::Block);
        detach(first_, win11);
        wait_for_a_blocked_write();
        start();
        kernel_.unblock();
        wait_until_idle();
        EXPECT_EQ(difference_to_start(), "");
        EXPECT_EQ(entry(first_).assignment.owner, host);
    }
}

TEST_F(ARing, BringsBackWhatWasBeingGivenBackWhenItIsRestarted) {
    ASSERT_TRUE(answer(detach(first_, win11)).succeeded());
    kernel_.plan_fault("unbind", first_, Fault::Block);
    reattach(first_, win11.id);
    wait_for_a_blocked_write();
    start();
    kernel_.unblock();
    wait_until_idle();
    EXPECT_EQ(difference_to_start(), "");
}

TEST_F(ARing, BringsBackWhatWasBeingUndoneWhenItIsRestarted) {
    kernel_.plan_fault("drivers_probe", first_, Fault::NoEffect);
    kernel_.plan_fault("drivers_probe", first_, Fault::Block, 2);
    detach(first_, win11);
    wait_for_a_blocked_write();
    ASSERT_EQ(entry(first_).assignment.phase, Phase::Undoing);
    start();
    kernel_.unblock();
    wait_until_idle();
    EXPECT_EQ(difference_to_start(), "");
}

TEST_F(ARing, RemembersAFailureThroughARestart) {
    kernel_.plan_fault("drivers_probe", first_, Fault::NoEffect, 0);
    const Asked failed = answer(detach(first_, win11));
    ASSERT_EQ(entry(first_).assignment.phase, Phase::Failed);
    start();
    EXPECT_EQ(entry(first_).assignment.phase, Phase::Failed);
    EXPECT_EQ(answer(detach(first_, games)).refusal, failed.refusal);
    kernel_.clear_faults();
    EXPECT_TRUE(answer(reattach(first_)).succeeded());
    EXPECT_EQ(difference_to_start(), "");
}

TEST_F(ARing, ForgetsACardThatWasPulledOutWhileItWasAway) {
    ASSERT_TRUE(answer(detach(first_, win11)).succeeded());
    kernel_.unplug(first_);
    kernel_.unplug(first_audio_);
    start();
    ASSERT_TRUE(ring_->sets().contains(first_));
    EXPECT_TRUE(answer(reattach(first_, win11.id)).succeeded());
    ring_->refresh();
    EXPECT_FALSE(ring_->sets().contains(first_));
    EXPECT_THAT(journal_.load().assignments, IsEmpty());
}

}  // namespace
}  // namespace passthru
