// SPDX-License-Identifier: LGPL-2.1-or-later
// Waiting for programs: real processes with a real device open, as the real /proc shows them.
#include "worker/holder_wait.hpp"

#include "tests/fakes/fake_kernel.hpp"
#include "tests/unit/program.hpp"
#include "worker/executor.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Clock = std::chrono::steady_clock;

constexpr const char* of_session = "0::/user.slice/user-1000.slice/session-2.scope\n";
constexpr const char* of_service = "0::/system.slice/persistence.service\n";

/// A card whose node is a terminal of our own, which no other program of this computer opens.
class ACardInUse : public testing::Test {
protected:
    ACardInUse() {
        kernel_.put("sys/bus/pci/devices/0000:01:00.0/drm/card0/dev", node_.number() + "\n");
        kernel_.put("sys/bus/pci/devices/0000:01:00.0/drm/card0/uevent",
                    "DEVNAME=" + node_.path().substr(5) + "\n");
    }
    /// A program that has the node open.
    [[nodiscard]] std::unique_ptr<Program> program(const std::string& cgroup = of_service) const {
        auto program = std::make_unique<Program>(node_.path());
        show(*program, cgroup);
        return program;
    }
    void show(const Program& program, const std::string& cgroup) const {
        const auto folder = kernel_.path() / "proc" / program.name();
        kernel_.put(folder / "cgroup", cgroup);
        for (const char* file : {"fd", "exe", "maps", "comm"}) {
            std::filesystem::create_symlink("/proc/" + program.name() + "/" + file, folder / file);
        }
    }
    [[nodiscard]] std::vector<Holder> holders() const {
        return find_holders(kernel_.root(), {gpu_});
    }

    const Bdf gpu_ = "01:00.0"_bdf;
    const FakeKernel kernel_{"01:00.0 0300 10de:2489 group 1 driver nouveau"};
    const Terminal node_;
    const Clock::time_point far_ = Clock::now() + std::chrono::seconds(20);
    const Clock::time_point past_ = Clock::now();
};

class AWait : public ACardInUse {
protected:
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
    ask_to_end(holders());
    EXPECT_EQ(of_a_session->signal_that_ended_it(), SIGTERM);
    EXPECT_TRUE(of_a_unit->lives());
}

TEST_F(Asking, LeavesLeadersGuestsAndDaemonsAloneWhateverSessionTheyAreOf) {
    for (const HolderKind kind :
         {HolderKind::Session, HolderKind::Guest, HolderKind::PersistenceDaemon}) {
        const auto program = this->program(of_session);
        Holder holder = holders().at(0);
        ASSERT_EQ(holder.session, "2");
        holder.kind = kind;
        ask_to_end({holder});
        EXPECT_TRUE(program->lives()) << holder_kind_name(kind);
        program->kill(SIGKILL);
    }
}

/// The step that waits, done by the real executor.
class ACheckThatWaits : public ACardInUse {
protected:
    using OnWaiting = std::function<void()>;

    void check(
        std::chrono::seconds wait, HolderRule rule = HolderRule::Refuse,
        const OnWaiting& on_waiting = [] {}) {
        Executor executor(kernel_.root(), kernel_.writer());
        const Plan plan{.steps = {step::CheckUnused{{gpu_}, rule, wait}}};
        executor.run(
            plan,
            [&](const WorkerReport& report) {
                reports_.push_back(report);
                if (std::holds_alternative<Waiting>(report)) on_waiting();
            },
            interrupt_);
    }
    [[nodiscard]] static WorkerReport done() { return PlanDone{}; }
    [[nodiscard]] static WorkerReport step_done() { return StepDone{0}; }
    [[nodiscard]] static WorkerReport waiting_for(const Program& program) {
        return Waiting{0, fmt::format("{} (pid {}, user {}, persistence.service)",
                                      program.command(), program.name(), user_name(::getuid()))};
    }
    /// The last report is this failure.
    [[nodiscard]] Error failure() const {
        const auto* failed = std::get_if<PlanFailed>(&reports_.back());
        return failed != nullptr ? failed->error : Error{};
    }

    std::vector<WorkerReport> reports_;
    Interrupt interrupt_;
};

constexpr std::chrono::seconds long_enough{20};

TEST_F(ACheckThatWaits, GoesOnWithoutAWordWhereNobodyHasTheCard) {
    check(long_enough);
    EXPECT_THAT(reports_, ElementsAre(step_done(), done()));
}

TEST_F(ACheckThatWaits, GoesOnWhenTheProgramEnds) {
    const auto program = this->program();
    check(long_enough, HolderRule::Refuse, [&] { program->kill(SIGKILL); });
    EXPECT_THAT(reports_, ElementsAre(waiting_for(*program), step_done(), done()));
}

TEST_F(ACheckThatWaits, GoesOnWhenTheProgramClosesTheCard) {
    const auto program = this->program();
    check(long_enough, HolderRule::Refuse, [&] { program->close_node(); });
    EXPECT_THAT(reports_, ElementsAre(waiting_for(*program), step_done(), done()));
    EXPECT_TRUE(program->lives());
}

TEST_F(ACheckThatWaits, TellsOnceForWhomThoughItLooksAgainForTheSecond) {
    const auto first = program();
    const auto second = program();
    std::jthread other;
    const pid_t waits = ::gettid();
    check(long_enough, HolderRule::Refuse, [&] {
        first->close_node();
        other = std::jthread([&](const std::stop_token& over) {
            await_a_wait_of(waits, over);
            second->close_node();
        });
    });
    other.request_stop();
    ASSERT_EQ(reports_.size(), 3U);
    const auto* waiting = std::get_if<Waiting>(&reports_[0]);
    ASSERT_NE(waiting, nullptr);
    EXPECT_THAT(waiting->message,
                AllOf(HasSubstr("pid " + first->name()), HasSubstr("pid " + second->name())));
    EXPECT_EQ(reports_[1], step_done());
    EXPECT_EQ(reports_[2], done());
}

TEST_F(ACheckThatWaits, SaysHowLongItWaitedInVainAndForWhom) {
    const auto program = this->program();
    check(std::chrono::seconds(1));
    ASSERT_EQ(reports_.size(), 2U);
    EXPECT_EQ(reports_[0], waiting_for(*program));
    EXPECT_EQ(failure().code, Errc::InUse);
    EXPECT_THAT(failure().message,
                AllOf(HasSubstr("0000:01:00.0 is in use by"), HasSubstr("pid " + program->name()),
                      HasSubstr("not let go within 1 s")));
    EXPECT_TRUE(program->lives());
}

TEST_F(ACheckThatWaits, RefusesAtOnceWhereItMayNotWait) {
    const auto program = this->program(of_session);
    check(std::chrono::seconds(0), HolderRule::AskThenRefuse);
    ASSERT_EQ(reports_.size(), 1U);
    EXPECT_EQ(failure().code, Errc::InUse);
    EXPECT_THAT(failure().message, Not(HasSubstr("within")));
    EXPECT_TRUE(program->lives());
}

TEST_F(ACheckThatWaits, IsCancelledWhileItWaits) {
    const auto program = this->program();
    Pipe pipe;
    interrupt_.descriptor = pipe.reader();
    check(long_enough, HolderRule::Refuse, [&] { pipe.write("stop"); });
    ASSERT_EQ(reports_.size(), 2U);
    EXPECT_EQ(failure().code, Errc::Cancelled);
    EXPECT_TRUE(program->lives());
}

TEST_F(ACheckThatWaits, AsksASessionsProgramToEndWhereItMay) {
    const auto program = this->program(of_session);
    check(long_enough, HolderRule::AskThenRefuse);
    EXPECT_EQ(program->signal_that_ended_it(), SIGTERM);
    ASSERT_EQ(reports_.size(), 3U);
    EXPECT_EQ(reports_[2], done());
}

TEST_F(ACheckThatWaits, AsksNobodyToEndWhereItOnlyWaits) {
    const auto program = this->program(of_session);
    Pipe pipe;
    interrupt_.descriptor = pipe.reader();
    pipe.write("stop");
    check(long_enough, HolderRule::Refuse);
    EXPECT_EQ(failure().code, Errc::Cancelled);
    EXPECT_TRUE(program->lives());
}

TEST_F(ACheckThatWaits, NeitherWaitsForNorAsksWhomItMayIgnore) {
    const auto program = this->program(of_session);
    check(long_enough, HolderRule::RefuseDangerous);
    EXPECT_THAT(reports_, ElementsAre(step_done(), done()));
    EXPECT_TRUE(program->lives());
}

}  // namespace
}  // namespace passthru
