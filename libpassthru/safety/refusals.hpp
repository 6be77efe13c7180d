// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/device_set.hpp"

#include <optional>
#include <vector>

namespace passthru {

/// The first reason why this set must not be detached, in the order that docs/architecture.md
/// gives; nothing when it may be. `wanted` are the foreign functions that the caller lists itself.
/// Looks at values only.
[[nodiscard]] std::optional<Error> refusal_for(const DeviceSet& set, const std::vector<Bdf>& wanted,
                                               const Inventory& inventory);

}  // namespace passthru
