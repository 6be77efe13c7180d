// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace passthru {

/// A disk, a partition or a volume, as sysfs shows it.
struct BlockDevice {
    std::string name;              ///< as in `sys/class/block`: `nvme0n1p2`, `dm-0`
    std::filesystem::path folder;  ///< its real folder
    std::string number;            ///< `259:2`

    /// `/dev/nvme0n1p2`. The kernel writes `!` where the node's name has `/`, as in `cciss!c0d0`
    /// (drivers/base/core.c, device_get_devnode).
    [[nodiscard]] std::string node() const;
    /// The name that device-mapper gave it, `vg-root`; empty for others.
    [[nodiscard]] std::string mapper_name() const;
};

/// A device that keeps others in use for as long as it exists.
struct Volume {
    std::string name;     ///< `LVM volume vg-root`
    std::string release;  ///< what ends it: `deactivate`
};

/// One device of what is built upon disks.
struct StackedDevice {
    BlockDevice device;
    std::string way;                   ///< `/dev/sda3, which is part of LVM volume vg-root`
    std::optional<Volume> volume;      ///< nothing for disks, partitions and loop devices
    std::optional<std::size_t> below;  ///< the place of what it lies upon; nothing for a disk
};

/// Every block device that has a node, in the order of their names. The single paths of a multipath
/// NVMe disk (`nvme0c0n1`) have none.
[[nodiscard]] std::vector<BlockDevice> block_devices(const Root& root);

/// Those of `all` that are the function's: disks and partitions whose folder lies below its own,
/// whatever bus is between, and the NVMe disks that the kernel puts below a virtual subsystem
/// because they may have several controllers, of which one is below the function
/// (drivers/nvme/host/multipath.c).
[[nodiscard]] std::vector<BlockDevice> disks_of(const Root& root, const Bdf& bdf,
                                                const std::vector<BlockDevice>& all);

/// The disks themselves and all that is built upon them, each once, what is below before what is
/// above: the kernel's `holders` (block/holder.c: device-mapper, MD and bcache), loop devices over
/// a block device, and the partitions of both. Ends on cyclic `holders` too.
[[nodiscard]] std::vector<StackedDevice> stack_upon(const std::vector<BlockDevice>& disks,
                                                    const std::vector<BlockDevice>& all);

[[nodiscard]] bool is_partition_of(const BlockDevice& partition, const BlockDevice& disk);

}  // namespace passthru
