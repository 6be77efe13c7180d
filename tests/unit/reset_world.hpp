// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/reset/reset_chain.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace passthru {

/// The quirks of libpassthru/quirks. Throws std::runtime_error, naming it, when a file of them has
/// a mistake.
[[nodiscard]] Quirks shipped_quirks();

/// The quirks of a file with this text. Throws std::runtime_error as well.
[[nodiscard]] Quirks quirks_of(std::string_view text);

/// A drawn machine, of which the functions on vfio-pci are handed over.
struct ResetWorld {
    explicit ResetWorld(std::string_view drawing);

    /// Every bridge can be asked to reset what is below it.
    ResetWorld& with_new_kernel();
    [[nodiscard]] ResetDecision decide(const ResetRules& rules = {}) const;
    /// A chain on each line, without the domain:
    /// `01:00.0 01:00.1: flr 01:00.0; hot bus 01:00.0 01:00.1; bridge bus …; removal …`.
    [[nodiscard]] std::string chains(const ResetRules& rules = {}) const;
    /// Why this method is in none of them; empty when nobody says.
    [[nodiscard]] std::string why_not(std::string_view method, const ResetRules& rules = {}) const;

    Inventory inventory;
    std::vector<Bdf> given;
};

}  // namespace passthru
