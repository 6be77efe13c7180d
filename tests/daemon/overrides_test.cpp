// SPDX-License-Identifier: LGPL-2.1-or-later
// driver_override is read by workers, since whoever reads it may have to wait for ever.
#include "tests/daemon/ring_world.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace passthru {
namespace {

using fakes::Fault;
using fakes::operator""_bdf;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

class ARingThatAsksForOverrides : public TwoCards {
protected:
    void put_override(std::string_view driver) {
        kernel_.put(fmt::format("sys/bus/pci/devices/{}/driver_override", first_.str()),
                    fmt::format("{}\n", driver));
    }
    [[nodiscard]] std::optional<std::string> known_override() const {
        return ring_->inventory().find(first_)->driver_override;
    }
    void expect_refused(const Asked& asked) {
        ASSERT_TRUE(asked.refusal);
        EXPECT_EQ(asked.refusal->code, Errc::Stuck);
        EXPECT_THAT(asked.refusal->message,
                    HasSubstr("GPU 0000:01:00.0 cannot be moved: a driver has held the lock of one "
                              "of its functions for more than 1 s"));
    }
};

TEST_F(ARingThatAsksForOverrides, PutsBackWhatAnotherToolHadSet) {
    put_override("nouveau");
    const std::string before = kernel_.dump();
    ASSERT_TRUE(answer(detach(first_, win11)).succeeded());
    EXPECT_EQ(known_override(), "vfio-pci");
    put_override("another");
    ASSERT_TRUE(answer(reattach(first_, win11.id)).succeeded());
    EXPECT_EQ(difference(before, kernel_.dump()), "");
    EXPECT_EQ(known_override(), "nouveau");
}

TEST_F(ARingThatAsksForOverrides, RefusesASetWithADriverThatHangsForAnotherProgram) {
    start(1s);
    kernel_.lock(first_audio_);
    put_override("was-read");
    const auto locked = detach(first_, win11);
    EXPECT_TRUE(answer(detach(second_, games)).succeeded()) << "the other card does not wait";
    EXPECT_EQ(locked->answers, 0);
    expect_refused(answer(locked));
    EXPECT_EQ(entry(first_).assignment.owner, host);
    EXPECT_EQ(entry(first_).last_error, locked->refusal);
    EXPECT_THAT(kernel_.driver_of(first_), "nouveau");

    const auto again = detach(first_, win11);
    EXPECT_EQ(again->answers, 1) << "at once, without another worker to leave behind";
    expect_refused(*again);
    EXPECT_FALSE(ring_->dry_run_detach(first_, {}, games, {first_}).steps.empty());
    EXPECT_TRUE(ring_->dry_run_reattach(first_).steps.empty());
    ring_->refresh();
    EXPECT_NE(known_override(), "was-read");

    kernel_.unlock(first_audio_);
    wait_until([&] { return answer(detach(first_, win11)).succeeded(); }, "the driver's return");
    EXPECT_EQ(kernel_.driver_of(first_), "vfio-pci");
}

TEST_F(ARingThatAsksForOverrides, KeepsForItsVmWhatCannotBeTakenBackNow) {
    start(1s);
    ASSERT_TRUE(answer(prepare(win11, {first_, first_audio_})).succeeded());
    kernel_.lock(first_);
    expect_refused(answer(release(win11)));
    EXPECT_EQ(entry(first_).assignment.owner, win11);
    EXPECT_EQ(entry(first_).assignment.phase, Phase::Idle);
    ring_->domains_listed({win11.id}, std::chrono::steady_clock::now());
    kernel_.unlock(first_);
    wait_until(
        [&] {
            ring_->domains_listed({}, std::chrono::steady_clock::now());
            return entry(first_).assignment.owner == host;
        },
        "the next list of domains");
    EXPECT_EQ(difference_to_start(), "");
}

TEST_F(ARingThatAsksForOverrides, SaysThatTheWayBackIsNotKnownToBeWhole) {
    ASSERT_TRUE(answer(detach(first_, win11)).succeeded());
    start(1s);
    kernel_.plan_fault("unbind", first_, Fault::Block);
    const auto asked = reattach(first_, win11.id);
    wait_for_a_blocked_write();
    kernel_.lock(first_);
    kernel_.unblock();
    const Asked failed = answer(asked);
    expect_refused(failed);
    EXPECT_THAT(failed.refusal->message, HasSubstr("ask for Reattach of 0000:01:00.0"));
    EXPECT_EQ(entry(first_).assignment.phase, Phase::Failed);
    EXPECT_EQ(journal_.load().assignments.at(first_).phase, Phase::Failed);
    kernel_.unlock(first_);
    wait_until([&] { return answer(reattach(first_)).succeeded(); }, "the driver's return");
    EXPECT_EQ(difference_to_start(), "");
}

TEST_F(ARingThatAsksForOverrides, AnswersInTheOrderInWhichItWasAsked) {
    const auto start = detach(first_, win11);
    const auto stop = reattach(first_, win11.id);
    const auto next = detach(first_, games);
    EXPECT_TRUE(answer(start).succeeded());
    EXPECT_TRUE(answer(stop).succeeded());
    EXPECT_EQ(answer(next).refusal->code, Errc::Busy);
    wait_until_idle();
    EXPECT_EQ(difference_to_start(), "");
}

TEST_F(ARingThatAsksForOverrides, LetsSixteenWaitAndNoMore) {
    kernel_.lock(first_);
    std::vector<std::shared_ptr<Asked>> asked;
    for (int i = 0; i < 16; ++i) asked.push_back(detach(first_, win11));
    const auto last = detach(first_, win11);
    ASSERT_EQ(last->answers, 1);
    EXPECT_EQ(last->refusal->code, Errc::LimitsExceeded);
    kernel_.unlock(first_);
    for (const auto& it : asked) EXPECT_TRUE(answer(it).succeeded());
}

TEST_F(ARingThatAsksForOverrides, DoesNotForgetWhoWaitsForACardThatIsPulledOut) {
    kernel_.lock(first_);
    const auto asked = detach(first_, win11);
    kernel_.unplug(first_);
    kernel_.unplug(first_audio_);
    ring_->refresh();
    EXPECT_EQ(asked->answers, 0);
    kernel_.unlock(first_);
    EXPECT_EQ(answer(asked).refusal->code, Errc::NoSuchGpu);
    EXPECT_FALSE(ring_->sets().contains(first_));
}

TEST_F(ARingThatAsksForOverrides, AsksForWhatIsLeftOfACardWhoseGpuIsGoneAfterARestart) {
    ASSERT_TRUE(answer(detach(first_, win11)).succeeded());
    kernel_.unplug(first_);
    kernel_.move(first_audio_, "snd_hda_intel");
    start();
    EXPECT_TRUE(answer(reattach(first_, win11.id)).succeeded());
    EXPECT_EQ(kernel_.attribute(first_audio_, "driver_override"), "(null)");
}

TEST_F(ARingThatAsksForOverrides, DoesNotAskForARequestThatChangesNothing) {
    kernel_.lock(first_);
    EXPECT_EQ(reattach(first_, win11.id)->answers, 1) << "it is not that VM's";
    EXPECT_EQ(reattach(first_)->answers, 1) << "it is on the host";
    kernel_.unplug(second_);
    EXPECT_EQ(detach(second_, win11)->answers, 1) << "it is gone";
}

}  // namespace
}  // namespace passthru
