// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/inventory.hpp"

#include <optional>
#include <string>
#include <vector>

namespace passthru {

/// What a reset of the bus of `function` resets: all that is on it, and all that is below the
/// bridge above it, at any depth, bridges included. In order of address.
[[nodiscard]] std::vector<const Function*> reach_of_bus(const Function& function,
                                                        const Inventory& inventory);

/// Why the bus of `function` may not be reset as a whole: it would reset something that is not in
/// `given` or not on a stub driver, or there is no bridge that could do it. Nothing when it may.
[[nodiscard]] std::optional<std::string> against_bus_reset(const Function& function,
                                                           const std::vector<Bdf>& given,
                                                           const Inventory& inventory);

/// Why these functions of one slot may not be removed and found again: others would go with them.
/// Nothing when they may.
[[nodiscard]] std::optional<std::string> against_removal(
    const std::vector<const Function*>& members, const Inventory& inventory);

}  // namespace passthru
