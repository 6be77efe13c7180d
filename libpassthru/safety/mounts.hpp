// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/safety/block_devices.hpp"

#include <string>
#include <vector>

namespace passthru {

/// A line of mountinfo (proc_pid_mountinfo(5)), without its escapes.
struct Mount {
    std::string number;  ///< `259:2`; of no block device for Btrfs and ZFS
    std::string point;   ///< `/home`
    std::string type;    ///< `ext4`
    std::string source;  ///< as it was named: `/dev/mapper/vg-root`, `tank/home`
    std::string node;  ///< the name in `/dev` that the source leads to; empty when it is not there
};

/// The mounts of PID 1 and of the caller, each once, the shortest mount points first.
[[nodiscard]] std::vector<Mount> read_mounts(const Root& root);

/// The swap areas on devices and files, as mounts with no mount point and the type `swap`
/// (proc_swaps(5)).
[[nodiscard]] std::vector<Mount> read_swaps(const Root& root);

/// Does the device hold what is mounted there, by its number or by its name?
[[nodiscard]] bool is_from(const Mount& mount, const BlockDevice& device);

}  // namespace passthru
