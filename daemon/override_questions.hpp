// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/inspection.hpp"

#include <functional>
#include <map>
#include <memory>

namespace passthru {

/// Asks workers what driver_override of a set's functions says. Whoever reads it waits for the
/// device's lock, which a driver may hold for ever, also one that another program has set to work;
/// the loop never reads it.
class OverrideQuestions {
public:
    using Answered = std::function<void(const Result<OverrideMap>&)>;

    /// A lock that is held longer than `limit` is a driver that hangs.
    OverrideQuestions(EventLoop& loop, WorkerAccess access, std::chrono::seconds limit);

    /// `answered` is called once, those of one set in the order in which they asked: with what the
    /// overrides are, or with Stuck when a driver holds the lock of one of the functions. A worker
    /// that waits for it is left behind; while it does there is no other for this set, and the
    /// answer comes at once. LimitsExceeded, at once, when too many ask.
    void ask(const Bdf& set, const std::vector<Bdf>& functions, Answered answered);

    /// Is an answer owed for this set, or for any?
    [[nodiscard]] bool owes(const Bdf& set) const;
    [[nodiscard]] bool owes_any() const;

private:
    struct Question {
        std::unique_ptr<WorkerQuestion> worker;
        EventSource overdue;
        std::vector<Answered> waiting;  ///< empty: the limit is over, and the worker waits on
    };
    void end(const Bdf& set, const Result<std::string>& answer);
    [[nodiscard]] Error locked(const Bdf& set) const;

    EventLoop& loop_;
    WorkerAccess access_;
    std::chrono::seconds limit_;
    std::map<Bdf, Question> questions_;
};

}  // namespace passthru
