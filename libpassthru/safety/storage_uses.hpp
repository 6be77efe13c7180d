// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/safety/host_critical.hpp"

#include <vector>

namespace passthru {

/// What of the host's storage is in use on these functions' disks: mounted file systems, swap,
/// members of mounted Btrfs file systems and of imported ZFS pools, and volumes that exist but hold
/// nothing of these. One use for each function and each of these five; three names at most in one,
/// and how many more there are. A member of a volume that nobody started is free.
[[nodiscard]] std::vector<CriticalUse> find_storage_uses(const Root& root,
                                                         const std::vector<Bdf>& functions);

}  // namespace passthru
