// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/override_questions.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

namespace passthru {

OverrideQuestions::OverrideQuestions(EventLoop& loop, WorkerAccess access,
                                     std::chrono::seconds limit)
    : loop_(loop), access_(std::move(access)), limit_(limit) {}

void OverrideQuestions::ask(const Bdf& set, const std::vector<Bdf>& functions, Answered answered) {
    constexpr std::size_t most = 16;
    const auto [found, fresh] = questions_.try_emplace(set);
    Question& question = found->second;
    if (!fresh && question.waiting.empty()) return answered(std::unexpected(locked(set)));
    if (question.waiting.size() >= most) {
        return answered(fail(Errc::LimitsExceeded, "too many ask at once: try again in a moment"));
    }
    question.waiting.push_back(std::move(answered));
    if (!fresh) return;
    question.worker = std::make_unique<WorkerQuestion>(
        loop_, access_, override_request_to_text(functions), std::nullopt,
        [this, set](const Result<std::string>& answer) { end(set, answer); });
    question.overdue = loop_.after(limit_, [this, set] {
        const Error error = locked(set);
        spdlog::error("gpu={} {}", set.str(), error.message);
        for (const Answered& it : std::exchange(questions_.at(set).waiting, {})) {
            it(std::unexpected(error));
        }
    });
}

void OverrideQuestions::end(const Bdf& set, const Result<std::string>& answer) {
    // Whoever is answered may ask again.
    const auto question = questions_.extract(set);
    const auto overrides = answer ? overrides_from_text(*answer)
                                  : Result<OverrideMap>(std::unexpected(answer.error()));
    for (const Answered& it : question.mapped().waiting) it(overrides);
}

bool OverrideQuestions::owes(const Bdf& set) const {
    const auto found = questions_.find(set);
    return found != questions_.end() && !found->second.waiting.empty();
}

bool OverrideQuestions::owes_any() const {
    return std::ranges::any_of(questions_,
                               [](const auto& item) { return !item.second.waiting.empty(); });
}

Error OverrideQuestions::locked(const Bdf& set) const {
    return {Errc::Stuck,
            fmt::format("GPU {} cannot be moved: a driver has held the lock of one of its "
                        "functions for more than {} s, in a bind or unbind that another program "
                        "began; see “journalctl -k”, and try again when it has come back, or "
                        "reboot",
                        set.str(), limit_.count()),
            0};
}

}  // namespace passthru
