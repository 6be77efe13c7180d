// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/inspection.hpp"

#include "tests/daemon/ring_world.hpp"

#include <gmock/gmock.h>

namespace passthru {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

/// A look at the first card by a worker of the test's choice.
class AnInspection : public TwoCards {
protected:
    [[nodiscard]] WorkerAccess fake_worker() const {
        return {{}, PASSTHRU_FAKE_WORKER, {"--root", kernel_.path().string()}};
    }
    /// A worker that does this; its standard input is the connection.
    static WorkerAccess shell(const std::string& script) { return {{}, "/bin/sh", {"-c", script}}; }

    void begin(const WorkerAccess& worker, std::chrono::seconds limit = std::chrono::hours(1)) {
        inspection_.emplace(*loop_, worker, std::vector{first_, first_audio_}, limit,
                            [this](Result<Findings> found) { answers_.push_back(found); });
    }
    Result<Findings> answer_of(const WorkerAccess& worker,
                               std::chrono::seconds limit = std::chrono::hours(1)) {
        begin(worker, limit);
        EXPECT_THAT(answers_, IsEmpty()) << "only the loop answers";
        wait_until([&] { return !answers_.empty(); }, "what was found");
        return answers_.empty() ? fail(Errc::Failed, "no answer") : answers_.front();
    }

    std::vector<Result<Findings>> answers_;
    std::optional<Inspection> inspection_;
};

TEST_F(AnInspection, FindsWhatTheWorkerSees) {
    kernel_.add_process(812, "Xorg", {"/dev/dri/card0"});
    kernel_.power_off(first_audio_);
    const auto found = answer_of(fake_worker());
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_THAT(found->holders, ElementsAre(Field(&Holder::command, "Xorg")));
    EXPECT_THAT(found->unanswering, ElementsAre(Field(&Unanswering::function, first_audio_)));
    EXPECT_THAT(found->critical, IsEmpty());
    EXPECT_THAT(kernel_.writes(), IsEmpty());
}

TEST_F(AnInspection, FindsNothingWhereNothingIs) {
    EXPECT_EQ(answer_of(fake_worker()), Findings{});
}

TEST_F(AnInspection, FailsFromTheLoopWhereThereIsNoWorker) {
    const auto found = answer_of({{}, "/no/such/worker", {}});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::Failed);
    EXPECT_THAT(found.error().message, HasSubstr("/no/such/worker cannot be started"));
}

TEST_F(AnInspection, FailsFromTheLoopWhereNobodyListensToTheSocket) {
    const auto found = answer_of({kernel_.path() / "worker.socket", {}, {}});
    ASSERT_FALSE(found);
    EXPECT_THAT(found.error().message, HasSubstr("systemctl status passthru-worker.socket"));
}

TEST_F(AnInspection, FailsWhereTheWorkerDies) {
    const auto found = answer_of(shell("head -c 1 >/dev/null; kill -9 $$"));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::Failed);
}

TEST_F(AnInspection, FailsWhereTheWorkerTellsWhatNobodyUnderstands) {
    for (const std::string answer : {"rubbish", "{}", "{\\\"holders\\\": 5}"}) {
        SCOPED_TRACE(answer);
        answers_.clear();
        const std::string script = "head -c 1 >/dev/null; printf \"" + answer + "\" >&0";
        const auto found = answer_of(shell(script));
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().code, Errc::InvalidArgs);
    }
}

TEST_F(AnInspection, EndsAtItsLimitWhereACardDoesNotAnswer) {
    const auto found = answer_of(shell("exec cat >/dev/null"), std::chrono::seconds(0));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::TimedOut);
    EXPECT_THAT(found.error().message, HasSubstr("journalctl -k"));
}

TEST_F(AnInspection, OfNobodyWhoWaitsIsNotAnswered) {
    begin(fake_worker());
    begin(fake_worker());
    wait_until([&] { return !answers_.empty(); }, "what the second found");
    inspection_.reset();
    begin(fake_worker());
    wait_until([&] { return answers_.size() > 1; }, "what the third found");
    EXPECT_EQ(answers_.size(), 2U);
}

class ARingThatIsAsked : public AnInspection {
protected:
    static constexpr std::size_t most = 16;

    void ask(std::size_t times = 1) {
        for (std::size_t i = 0; i < times; ++i) {
            ring_->inspect(first_, [this](Result<Findings> found) { answers_.push_back(found); });
        }
    }
    void wait_for_answers(std::size_t count) {
        wait_until([&] { return answers_.size() >= count; }, "what was found");
        EXPECT_EQ(answers_.size(), count);
    }
};

TEST_F(ARingThatIsAsked, LetsSixteenLookAtOnceAndNoMore) {
    ask(most);
    EXPECT_THAT(answers_, IsEmpty());
    ask();
    ASSERT_EQ(answers_.size(), 1U) << "at once";
    EXPECT_EQ(answers_.front().error().code, Errc::LimitsExceeded);
    EXPECT_THAT(answers_.front().error().message, HasSubstr("try again in a moment"));
    wait_for_answers(most + 1);
    for (std::size_t i = 1; i < answers_.size(); ++i) EXPECT_TRUE(answers_[i]) << i;
}

TEST_F(ARingThatIsAsked, HasRoomForAnotherAsSoonAsOneWasAnswered) {
    ask(most);
    wait_until([&] { return !answers_.empty(); }, "the first answer");
    const std::size_t before = answers_.size();
    ask();
    EXPECT_EQ(answers_.size(), before);
    wait_for_answers(most + 1);
    for (const auto& answer : answers_) EXPECT_TRUE(answer);
}

TEST_F(ARingThatIsAsked, CanBeAskedAgainFromTheAnswer) {
    std::optional<Result<Findings>> second;
    ring_->inspect(first_, [&](Result<Findings>) {
        ring_->inspect(first_, [&](Result<Findings> found) { second = std::move(found); });
    });
    wait_until([&] { return second.has_value(); }, "the second answer");
    EXPECT_TRUE(*second);
}

TEST_F(ARingThatIsAsked, LooksAtAllThatMovesWithTheCard) {
    kernel_.add_process(700, "pipewire", {"/dev/snd/controlC0"});
    kernel_.add_process(812, "Xorg", {"/dev/dri/card0"});
    kernel_.add_process(813, "game", {"/dev/dri/card1"});
    ask();
    wait_for_answers(1);
    ASSERT_TRUE(answers_.front());
    EXPECT_THAT(answers_.front()->holders,
                ElementsAre(Field(&Holder::command, "pipewire"), Field(&Holder::command, "Xorg")));
}

TEST_F(ARingThatIsAsked, OwesNoAnswerWhenItEnds) {
    ask(3);
    ring_.reset();
    EXPECT_THAT(answers_, IsEmpty());
}

}  // namespace
}  // namespace passthru
