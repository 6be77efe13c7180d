// SPDX-License-Identifier: LGPL-2.1-or-later
// An assignment whose card is reset: by hand, between two VMs, and when it is dead.
#include "tests/daemon/one_card.hpp"

#include <gmock/gmock.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::Fault;
using testing::HasSubstr;
using Effect = FakeKernel::ResetEffect;

class ACard : public OneCard {
protected:
    /// A VM has it and stops, and what it leaves does not answer any more, whatever is tried.
    void left_dead_by_a_vm() {
        detached_by(win11);
        kernel_.power_off(gpu_);
        kernel_.plan_fault("remove", gpu_, Fault::InputOutput, 0);
        stopped_ = desk_.reattach(win11.id);
        desk_.run_jobs();
    }

    Ticket stopped_ = 0;
};

TEST_F(ACard, OfTheHostIsNotReset) {
    const Ticket asked = desk_.reset();
    EXPECT_EQ(desk_.refusal(asked), Errc::InUse);
    EXPECT_TRUE(kernel_.resets().empty());
    expect_untouched();
}

TEST_F(ACard, OfAVmIsNotReset) {
    detached_by(win11);
    EXPECT_EQ(desk_.refusal(desk_.reset()), Errc::Busy);
    EXPECT_TRUE(kernel_.resets().empty());
}

TEST_F(ACard, ThatIsDetachedIsResetAndStaysDetached) {
    detached_by(alice);
    const Ticket asked = desk_.reset();
    EXPECT_EQ(state_name(desk_.it, desk_.state()), "resetting");
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(asked));
    EXPECT_FALSE(kernel_.resets().empty());
    EXPECT_EQ(desk_.it.owner, alice);
    EXPECT_EQ(desk_.it.phase, Phase::Idle);
    EXPECT_EQ(desk_.state(), SetState::Detached);
}

TEST_F(ACard, IsNotGivenToAVmBeforeItsResetIsOver) {
    detached_by(alice);
    desk_.reset();
    const Ticket start = desk_.detach(win11);
    EXPECT_FALSE(desk_.answer(start));
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(start));
    EXPECT_EQ(desk_.it.owner, win11);
}

TEST_F(ACard, ThatCouldNotBeResetIsAsItWas) {
    detached_by(alice);
    for (const Bdf& bdf : {gpu_, audio_}) {
        kernel_.plan_fault("reset", bdf, Fault::InputOutput, 0);
    }
    const Ticket asked = desk_.reset("flr");
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(asked), Errc::ResetFailed);
    EXPECT_EQ(desk_.it.phase, Phase::Idle);
    EXPECT_EQ(desk_.it.owner, alice);
}

TEST_F(ACard, ThatNothingCanResetSaysWhy) {
    const FakeKernel bare("01:00.0 0300 10de:2489 group 1 driver nouveau reset none");
    Desk desk(bare, gpu_);
    desk.detach(alice);
    desk.run_jobs();
    const Ticket asked = desk.reset();
    EXPECT_EQ(desk.refusal(asked), Errc::ResetUnsupported);
    EXPECT_THAT(desk.message(asked), HasSubstr("reboot"));
}

TEST_F(ACard, ThatIsDeadAfterItsVmIsRefusedToTheNextOne) {
    left_dead_by_a_vm();
    EXPECT_EQ(desk_.refusal(stopped_), Errc::NeedsReboot);
    EXPECT_EQ(desk_.it.phase, Phase::Failed);
    const Ticket next = desk_.detach(win11);
    EXPECT_EQ(desk_.refusal(next), Errc::NeedsReboot);
    EXPECT_THAT(desk_.message(next), HasSubstr("does not answer"));
    desk_.restart();
    EXPECT_EQ(desk_.refusal(desk_.detach(win11)), Errc::NeedsReboot);
}

TEST_F(ACard, ThatCameToLifeAgainGoesToTheHostByReset) {
    left_dead_by_a_vm();
    kernel_.clear_faults();
    kernel_.plan_reset_effect(gpu_, "flr", Effect::Heals);
    const Ticket asked = desk_.reset();
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(asked));
    EXPECT_EQ(desk_.it.owner, host);
    EXPECT_EQ(kernel_.driver_of(gpu_), "nouveau");
    EXPECT_EQ(kernel_.attribute(gpu_, "driver_override"), "(null)");
}

TEST_F(ACard, WhoseResetWasCutOffByARestartIsStillTheAdministrators) {
    detached_by(alice);
    desk_.reset();
    desk_.run_steps(2);
    desk_.restart();
    desk_.run_jobs();
    EXPECT_EQ(desk_.it.owner, alice);
    EXPECT_EQ(desk_.it.phase, Phase::Idle);
    EXPECT_EQ(desk_.state(), SetState::Detached);
}

}  // namespace
}  // namespace passthru
