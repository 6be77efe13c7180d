// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"

#include <optional>
#include <string>
#include <vector>

namespace passthru {

/// One reason why a device set must not be detached. `lead` and `subject` make the sentence:
/// several refusals of one lead are told in one breath.
struct Refusal {
    Errc code = Errc::Failed;
    Bdf function;         ///< what is in the way
    std::string lead;     ///< `GPU 0000:06:00.0 shares its IOMMU group with`, or empty
    std::string subject;  ///< `0000:01:00.1 (SATA controller)`
    std::string remedy;   ///< `put the card into another slot`

    bool operator==(const Refusal&) const = default;
    /// What and why, without the cure.
    [[nodiscard]] std::string message() const;
};

/// What a person should know, though it is allowed.
struct Warning {
    std::string name;  ///< for programs: `acs-override`
    Bdf function;
    std::string message;

    bool operator==(const Warning&) const = default;
};

/// Every reason against a detach, in the order in which they are checked, and every warning.
struct Judgement {
    std::vector<Refusal> refusals;
    std::vector<Warning> warnings;

    bool operator==(const Judgement&) const = default;
    /// What the caller is told: the first reason with all that share its name, what and why and the
    /// cure in one sentence; nothing when the detach is allowed.
    [[nodiscard]] std::optional<Error> error() const;
};

void PrintTo(const Judgement& judgement, std::ostream* out);

}  // namespace passthru
