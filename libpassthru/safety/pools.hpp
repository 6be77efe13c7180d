// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/safety/mounts.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace passthru {

/// A Btrfs file system that is mounted somewhere.
struct BtrfsFileSystem {
    std::string uuid;
    std::set<std::string> members;  ///< names of block devices: `sda1`, `dm-0`
};

/// `sys/fs/btrfs/UUID/devices`: the kernel has the folder for as long as the file system is mounted
/// in whatever namespace (Documentation/ABI/testing/sysfs-fs-btrfs; fs/btrfs/sysfs.c).
[[nodiscard]] std::vector<BtrfsFileSystem> read_btrfs(const Root& root);

/// The names of the imported ZFS pools: the folders in `proc/spl/kstat/zfs`, one for each
/// (zfs, module/zfs/spa_stats.c), and what mounts of the type zfs are from.
[[nodiscard]] std::set<std::string> read_zfs_pools(const Root& root,
                                                   const std::vector<Mount>& mounts);

/// The imported pool that the device may be a member of. ZFS has no `holders`, so udev's data tell:
/// nothing unless they call the device a `zfs_member`, or when no pool is imported. Their label
/// names the pool, but may be older than its last `zpool import OLD NEW`; a label that is not
/// imported therefore gives all pools: `rpool or tank`.
[[nodiscard]] std::optional<std::string> zfs_pool_of(const Root& root, const BlockDevice& device,
                                                     const std::set<std::string>& pools);

}  // namespace passthru
