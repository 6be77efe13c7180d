// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/safety/host_critical.hpp"

#include <vector>

namespace passthru {

/// The keyboards on these functions, whatever bus is between, when the host has no other one left.
/// One use for each function that has one. Virtual ones, such as those of KVM switches in software
/// and of Bluetooth, do not count as another.
[[nodiscard]] std::vector<CriticalUse> find_input_uses(const Root& root,
                                                       const std::vector<Bdf>& functions);

}  // namespace passthru
