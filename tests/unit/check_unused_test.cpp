// SPDX-License-Identifier: LGPL-2.1-or-later
// The step that waits for programs, with real processes.
#include "tests/unit/card_in_use.hpp"
#include "worker/executor.hpp"

#include <csignal>
#include <fmt/format.h>
#include <functional>
#include <gmock/gmock.h>
#include <thread>
#include <unistd.h>

namespace passthru {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// The step that waits, done by the real executor.
class ACheckThatWaits : public ACardInUse {
protected:
    using OnWaiting = std::function<void()>;

    void check(
        std::chrono::seconds wait, HolderRule rule = HolderRule::Refuse,
        const OnWaiting& on_waiting = [] {}) {
        Executor executor(kernel_.root(), kernel_.doors());
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

TEST_F(ACheckThatWaits, WaitsForUdevWithoutAWordEvenWhereItMayNotWait) {
    const auto udev = program(of_udev);
    const pid_t waits = ::gettid();
    std::jthread other([&](const std::stop_token& over) {
        await_a_wait_of(waits, over);
        udev->close_node();
    });
    check(std::chrono::seconds(0));
    other.request_stop();
    EXPECT_THAT(reports_, ElementsAre(step_done(), done()));
}

TEST_F(ACheckThatWaits, RefusesAtOnceWhereSomebodyElseIsThereBesideUdev) {
    const auto udev = program(of_udev);
    const auto program = this->program();
    check(std::chrono::seconds(0));
    EXPECT_EQ(failure().code, Errc::InUse);
    EXPECT_THAT(failure().message, HasSubstr("pid " + program->name()));
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
    ASSERT_EQ(reports_.size(), 3U) << failure().message;
    EXPECT_EQ(reports_[2], done());
    EXPECT_EQ(program->signal_that_ended_it(), SIGTERM);
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
