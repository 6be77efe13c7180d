// SPDX-License-Identifier: LGPL-2.1-or-later
// Waiting for programs: real processes with a real device open, as the real /proc shows them.
#include "worker/holder_wait.hpp"

#include "tests/unit/card_in_use.hpp"

#include <csignal>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

namespace passthru {
namespace {

using Clock = std::chrono::steady_clock;

class AWait : public ACardInUse {
protected:
    const Clock::time_point far_ = Clock::now() + std::chrono::seconds(20);
    const Clock::time_point past_ = Clock::now();

    [[nodiscard]] WaitEnd wait(const std::vector<Holder>& holders) const {
        return wait_for_release(kernel_.root(), holders, far_, -1);
    }
    /// How a wait ends if this happens while it lasts.
    template <typename Happens>
    [[nodiscard]] WaitEnd wait_while(Happens happens) const {
        const std::vector<Holder> holders = this->holders();
        const pid_t waits = ::gettid();
        std::jthread other([&](const std::stop_token& over) {
            await_a_wait_of(waits, over);
            happens();
        });
        const WaitEnd end = wait(holders);
        other.request_stop();
        return end;
    }
};

TEST_F(AWait, EndsWhenTheProgramEnds) {
    const auto program = this->program();
    EXPECT_EQ(wait_while([&] { program->kill(SIGKILL); }), WaitEnd::Changed);
}

TEST_F(AWait, EndsWhenTheProgramClosesTheNodeAndLivesOn) {
    const auto program = this->program();
    EXPECT_EQ(wait_while([&] { program->close_node(); }), WaitEnd::Changed);
    EXPECT_TRUE(program->lives());
    EXPECT_THAT(holders(), testing::IsEmpty());
}

TEST_F(AWait, EndsWhenOneOfTwoProgramsClosesTheNode) {
    const auto first = program();
    const auto second = program();
    ASSERT_EQ(holders().size(), 2U);
    EXPECT_EQ(wait_while([&] { second->close_node(); }), WaitEnd::Changed);
    EXPECT_EQ(holders().size(), 1U);
}

TEST_F(AWait, EndsWhenTheNodeIsClosedUnderAnotherName) {
    kernel_.put("sys/bus/pci/devices/0000:01:00.0/drm/card0/uevent", "DEVNAME=dri/card0\n");
    const auto program = this->program();
    ASSERT_EQ(holders().at(0).node, "/dev/dri/card0");
    EXPECT_EQ(wait_while([&] { program->close_node(); }), WaitEnd::Changed);
}

TEST_F(AWait, EndsWhenLogindClosesWhatItKeepsForASession) {
    const Program leader("/dev/null");
    show(leader, of_session);
    const auto logind = program();
    std::filesystem::remove(kernel_.path() / "proc" / logind->name() / "comm");
    kernel_.put(kernel_.path() / "proc" / logind->name() / "comm", "systemd-logind\n");
    kernel_.put("run/systemd/sessions/2",
                fmt::format("UID=1000\nLEADER={}\nSCOPE=session-2.scope\nDEVICES={}\n",
                            leader.name(), node_.number()));
    std::filesystem::create_directory_symlink("/dev/pts", kernel_.path() / "dev/pts");
    ASSERT_EQ(holders().size(), 1U);
    ASSERT_EQ(holders().at(0).kind, HolderKind::Session);
    EXPECT_EQ(wait_while([&] { logind->close_node(); }), WaitEnd::Changed);
    EXPECT_TRUE(leader.lives());
}

TEST_F(AWait, EndsWhereItsProgramEndedBeforeItBegan) {
    const auto program = this->program();
    const auto before = holders();
    program->kill(SIGKILL);
    program->reap();
    EXPECT_EQ(wait(before), WaitEnd::Changed);
}

TEST_F(AWait, EndsWhereTheNodeWasClosedBeforeItBegan) {
    const auto program = this->program();
    const auto before = holders();
    program->close_node();
    EXPECT_EQ(wait(before), WaitEnd::Changed);
}

TEST_F(AWait, EndsAtItsDeadline) {
    const auto program = this->program();
    EXPECT_EQ(wait_for_release(kernel_.root(), holders(), past_, -1), WaitEnd::TimedOut);
    EXPECT_EQ(wait_for_release(kernel_.root(), holders(), past_ - std::chrono::hours(1), -1),
              WaitEnd::TimedOut);
}

TEST_F(AWait, TakesNobodysNumberForNoProgram) {
    const Holder console{0, 0, "text console", "/dev/fb0", gpu_, HolderKind::Console, "", ""};
    EXPECT_EQ(wait_for_release(kernel_.root(), {console}, past_, -1), WaitEnd::TimedOut);
}

TEST_F(AWait, EndsWhenItIsInterruptedAndLeavesTheDescriptorOpen) {
    const auto program = this->program();
    Pipe pipe;
    pipe.write("x");
    EXPECT_EQ(wait_for_release(kernel_.root(), holders(), far_, pipe.reader()),
              WaitEnd::Interrupted);
    EXPECT_EQ(pipe.read(), "x");
}

TEST_F(AWait, EndsWhenWhoCouldInterruptItHangsUp) {
    const auto program = this->program();
    Pipe pipe;
    pipe.hang_up();
    EXPECT_EQ(wait_for_release(kernel_.root(), holders(), far_, pipe.reader()),
              WaitEnd::Interrupted);
}

using Asking = ACardInUse;

TEST_F(Asking, EndsTheProgramsOfSessionsAndNoOthers) {
    const auto of_a_session = program(of_session);
    const auto of_a_unit = program(of_service);
    std::set<pid_t> asked;
    ask_to_end(holders(), asked);
    EXPECT_EQ(of_a_session->signal_that_ended_it(), SIGTERM);
    EXPECT_EQ(asked.size(), 1U);
    EXPECT_TRUE(of_a_unit->lives());
}

TEST_F(Asking, AsksNobodyTwice) {
    const auto of_a_session = program(of_session);
    std::set<pid_t> asked;
    for (const Holder& holder : holders()) asked.insert(holder.pid);
    ask_to_end(holders(), asked);
    EXPECT_TRUE(of_a_session->lives());
}

TEST_F(Asking, LeavesLeadersGuestsAndDaemonsAloneWhateverSessionTheyAreOf) {
    for (const HolderKind kind :
         {HolderKind::Session, HolderKind::Guest, HolderKind::PersistenceDaemon}) {
        const auto program = this->program(of_session);
        Holder holder = holders().at(0);
        ASSERT_EQ(holder.session, "2");
        holder.kind = kind;
        std::set<pid_t> asked;
        ask_to_end({holder}, asked);
        EXPECT_TRUE(program->lives()) << holder_kind_name(kind);
        program->kill(SIGKILL);
    }
}

}  // namespace
}  // namespace passthru
