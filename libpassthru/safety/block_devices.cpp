// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/block_devices.hpp"

#include "libpassthru/safety/sysfs_walk.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace passthru {
namespace {

namespace fs = std::filesystem;

/// The function's folder, and the NVMe subsystems that one of its controllers belongs to.
std::vector<fs::path> homes_of(const Root& root, const Bdf& bdf) {
    const auto folder = real_folder(root, bdf);
    if (!folder) return {};
    std::vector<fs::path> homes{*folder};
    for (const ClassDevice& subsystem : class_devices(root, "nvme-subsystem")) {
        for (const fs::path& child : sorted_children(subsystem.folder)) {
            std::error_code error;
            if (!fs::is_symlink(child, error)) continue;
            const fs::path controller = fs::canonical(child, error);
            if (error || !is_below(controller, *folder)) continue;
            homes.push_back(subsystem.folder);
            break;
        }
    }
    return homes;
}

/// By the prefix of the uuid, which tells who made a device-mapper device (UUID_PREFIX in lvm2 and
/// in multipath-tools, DM_UUID_PREFIX in cryptsetup's lib/utils_dm.h).
Volume mapper_volume(const BlockDevice& device) {
    struct Owner {
        std::string_view prefix;
        std::string_view noun;
        std::string_view release;
    };
    const std::string uuid = read_attribute(device.folder / "dm/uuid").value_or("");
    for (const Owner& owner :
         {Owner{"LVM-", "LVM volume", "deactivate"}, Owner{"CRYPT-", "encrypted volume", "close"},
          Owner{"mpath-", "multipath device", "flush"}}) {
        if (uuid.starts_with(owner.prefix)) {
            return {fmt::format("{} {}", owner.noun, device.mapper_name()),
                    std::string(owner.release)};
        }
    }
    return {fmt::format("device-mapper volume {}", device.mapper_name()), "remove"};
}

/// What a device is that `holders` names.
Volume volume_of(const BlockDevice& device) {
    std::error_code error;
    if (fs::exists(device.folder / "dm", error)) return mapper_volume(device);
    if (fs::exists(device.folder / "md", error)) return {"RAID array " + device.name, "stop"};
    if (fs::exists(device.folder / "bcache", error))
        return {"bcache device " + device.name, "stop"};
    return {"volume " + device.name, "stop"};
}

bool is_held_by(const BlockDevice& lower, const BlockDevice& upper) {
    std::error_code error;
    return fs::is_symlink(lower.folder / "holders" / upper.name, error);
}

/// Text from the time of losetup: the node as it was named then, or a link to it.
bool is_loop_over(const BlockDevice& loop, const BlockDevice& lower) {
    const auto file = read_attribute(loop.folder / "loop/backing_file");
    if (!file) return false;
    return *file == lower.node() ||
           (!lower.mapper_name().empty() && *file == "/dev/mapper/" + lower.mapper_name());
}

/// `upper` as it lies upon `lower`; nothing when it does not.
std::optional<StackedDevice> lay(const BlockDevice& upper, const StackedDevice& lower) {
    if (is_held_by(lower.device, upper)) {
        const Volume volume = volume_of(upper);
        return StackedDevice{
            upper, fmt::format("{}, which is part of {}", lower.way, volume.name), volume, {}};
    }
    if (is_partition_of(upper, lower.device)) return StackedDevice{upper, lower.way, {}, {}};
    if (is_loop_over(upper, lower.device)) {
        return StackedDevice{
            upper, fmt::format("{}, which is below {}", lower.way, upper.node()), {}, {}};
    }
    return std::nullopt;
}

}  // namespace

std::string BlockDevice::node() const {
    std::string path = "/dev/" + name;
    std::ranges::replace(path, '!', '/');
    return path;
}

std::string BlockDevice::mapper_name() const {
    return read_attribute(folder / "dm/name").value_or("");
}

std::vector<BlockDevice> block_devices(const Root& root) {
    std::vector<BlockDevice> devices;
    for (const ClassDevice& it : class_devices(root, "block")) {
        if (const auto number = read_attribute(it.folder / "dev")) {
            devices.push_back({it.name, it.folder, *number});
        }
    }
    return devices;
}

std::vector<BlockDevice> disks_of(const Root& root, const Bdf& bdf,
                                  const std::vector<BlockDevice>& all) {
    std::vector<BlockDevice> disks;
    const std::vector<fs::path> homes = homes_of(root, bdf);
    for (const BlockDevice& device : all) {
        if (std::ranges::any_of(
                homes, [&](const fs::path& home) { return is_below(device.folder, home); })) {
            disks.push_back(device);
        }
    }
    return disks;
}

std::vector<StackedDevice> stack_upon(const std::vector<BlockDevice>& disks,
                                      const std::vector<BlockDevice>& all) {
    std::vector<StackedDevice> stack;
    std::set<std::string> seen;
    for (const BlockDevice& disk : disks) {
        stack.push_back({disk, disk.node(), {}, {}});
        seen.insert(disk.name);
    }
    for (std::size_t at = 0; at < stack.size(); ++at) {
        for (const BlockDevice& upper : all) {
            if (seen.contains(upper.name)) continue;
            auto laid = lay(upper, stack[at]);
            if (!laid) continue;
            laid->below = at;
            seen.insert(upper.name);
            stack.push_back(std::move(*laid));
        }
    }
    return stack;
}

bool is_partition_of(const BlockDevice& partition, const BlockDevice& disk) {
    return partition.folder.parent_path() == disk.folder;
}

}  // namespace passthru
