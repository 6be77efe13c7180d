// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace passthru {

/// How one attempt to reset a card ended.
enum class TrialEnd {
    Well,        ///< it was reset, and all of the card is well
    NotWell,     ///< the kernel says that it was reset, and the card is not well
    Failed,      ///< the kernel says that it could not
    NotOffered,  ///< the kernel has no such reset for this card now
};

/// `well`, `not-well`, `failed`, `not-offered`.
[[nodiscard]] std::string_view trial_end_name(TrialEnd end);
/// The inverse; nothing for a word that this version does not know.
[[nodiscard]] std::optional<TrialEnd> trial_end_from_name(std::string_view name);

/// One attempt to reset a card, as it went.
struct ResetTrial {
    std::string method;    ///< `flr`, `bus` …: see `ResetAttempt`
    std::uint64_t at = 0;  ///< when it began, in microseconds since 1970
    std::chrono::microseconds took{0};
    TrialEnd end = TrialEnd::Failed;
    std::string message;  ///< what was wrong, for people; empty when it is well
    Bdf function = {};    ///< the GPU of the card that was reset, or its first function

    bool operator==(const ResetTrial&) const = default;
};

}  // namespace passthru
