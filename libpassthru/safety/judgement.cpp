// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/judgement.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ostream>

namespace passthru {

std::string Refusal::message() const {
    return lead.empty() ? subject : fmt::format("{} {}", lead, subject);
}

std::optional<Error> Judgement::error() const {
    if (refusals.empty()) return std::nullopt;
    const Errc code = refusals.front().code;
    std::string message;
    std::string lead;
    std::vector<std::string> remedies;
    for (const Refusal& refusal : refusals) {
        if (refusal.code != code) continue;
        const bool goes_on = !message.empty() && !lead.empty() && refusal.lead == lead;
        if (!message.empty()) message += goes_on ? ", " : "; ";
        message += goes_on ? refusal.subject : refusal.message();
        lead = refusal.lead;
        if (std::ranges::find(remedies, refusal.remedy) == remedies.end()) {
            remedies.push_back(refusal.remedy);
        }
    }
    return Error{code, fmt::format("{}: {}", message, fmt::join(remedies, "; ")), 0};
}

void PrintTo(const Judgement& judgement, std::ostream* out) {
    for (const Refusal& it : judgement.refusals) {
        *out << fmt::format("\n  {} {}: {}", errc_name(it.code), it.message(), it.remedy);
    }
    for (const Warning& it : judgement.warnings) *out << fmt::format("\n  {}", it.message);
}

}  // namespace passthru
