// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <string>
#include <vector>

namespace passthru {

/// What of the host would break.
enum class CriticalKind {
    Storage,  ///< a file system, swap or volume that is in use
    Network,  ///< an interface that is up and carries something
    Input,    ///< the only keyboard
    Board,    ///< a part of the mainboard that firmware and kernel use behind every driver's back
};

/// Why a function must stay with the host.
struct CriticalUse {
    Bdf function;
    CriticalKind kind = CriticalKind::Storage;
    std::string what;    ///< reads well after `0000:03:00.0 `: `holds /dev/sda2, mounted at /home`
    std::string remedy;  ///< reads well after a colon: `unmount /home first`

    bool operator==(const CriticalUse&) const = default;
};

/// What of the host would break if these functions were taken away together; everything below a
/// bridge counts as the bridge's. In the order of `functions`, for each one by kind. Reads `sys`,
/// `proc`, `run/udev` and the links in `dev` below the root, and never opens a device node; what
/// cannot be read or is not there is passed over.
///
/// Not seen: mounts of other mount namespaces than PID 1's and the caller's, external journals
/// (`find_claimed_disks` knows both), and network interfaces that were moved into another network
/// namespace, which sysfs hides (Documentation/ABI/testing/sysfs-class-net; net/core/net-sysfs.c,
/// net_namespace).
[[nodiscard]] std::vector<CriticalUse> find_critical_uses(const Root& root,
                                                          const std::vector<Bdf>& functions);

/// The disks and partitions of these functions that the kernel says are claimed, in the order of
/// `functions`: open(2) with O_EXCL and without O_CREAT gives EBUSY for a block device that is
/// mounted in any mount namespace, is swap, or belongs to device-mapper, MD, bcache, Btrfs or ZFS.
/// For the worker, as root, right before an unbind. Opens `dev/NAME` read-only without waiting and
/// closes it at once; somebody who mounts in that very moment gets EBUSY in turn. A node that is
/// absent, is another device or must not be opened is not claimed.
[[nodiscard]] std::vector<CriticalUse> find_claimed_disks(const Root& root,
                                                          const std::vector<Bdf>& functions);

}  // namespace passthru
