// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/pools.hpp"

#include "libpassthru/safety/sysfs_walk.hpp"

#include <algorithm>
#include <fmt/ranges.h>

namespace passthru {

namespace fs = std::filesystem;

std::vector<BtrfsFileSystem> read_btrfs(const Root& root) {
    std::vector<BtrfsFileSystem> result;
    for (const fs::path& folder : sorted_children(root.below("sys/fs/btrfs"))) {
        BtrfsFileSystem file_system{folder.filename().string(), {}};
        for (const fs::path& link : sorted_children(folder / "devices")) {
            const std::string name = link.filename().string();
            file_system.members.insert(read_link_name(link).value_or(name));
        }
        if (!file_system.members.empty()) result.push_back(std::move(file_system));
    }
    return result;
}

std::set<std::string> read_zfs_pools(const Root& root, const std::vector<Mount>& mounts) {
    std::set<std::string> pools;
    for (const fs::path& folder : sorted_children(root.below("proc/spl/kstat/zfs"))) {
        std::error_code error;
        if (fs::is_directory(folder, error)) pools.insert(folder.filename().string());
    }
    for (const Mount& mount : mounts) {
        if (mount.type == "zfs") pools.insert(mount.source.substr(0, mount.source.find('/')));
    }
    return pools;
}

std::optional<std::string> zfs_pool_of(const Root& root, const BlockDevice& device,
                                       const std::set<std::string>& pools) {
    if (pools.empty()) return std::nullopt;
    const auto data = read_table(root.below("run/udev/data") / ("b" + device.number));
    const auto has = [&](const std::string& property) {
        return std::ranges::any_of(data, [&](const std::vector<std::string>& words) {
            return words.size() == 1 && words.front() == "E:" + property;
        });
    };
    if (!has("ID_FS_TYPE=zfs_member")) return std::nullopt;
    for (const std::string& pool : pools) {
        if (has("ID_FS_LABEL=" + pool)) return pool;
    }
    return fmt::format("{}", fmt::join(pools, " or "));
}

}  // namespace passthru
