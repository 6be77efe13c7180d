// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/safety/host_critical.hpp"

#include <vector>

namespace passthru {

/// The network interfaces on these functions, whatever bus is between, that are up and carry
/// something: the default route, a bridge or bond that they are in, a VLAN or macvtap upon them, or
/// an address. One use for each interface. One that is down carries nothing, whatever is
/// configured.
[[nodiscard]] std::vector<CriticalUse> find_network_uses(const Root& root,
                                                         const std::vector<Bdf>& functions);

}  // namespace passthru
