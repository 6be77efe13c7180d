// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/storage_uses.hpp"

#include "libpassthru/safety/block_devices.hpp"
#include "libpassthru/safety/mounts.hpp"
#include "libpassthru/safety/pools.hpp"

#include <algorithm>
#include <fmt/ranges.h>
#include <iterator>
#include <set>

namespace passthru {
namespace {

/// In the order in which they are told.
enum class Reason { Mounted, Swap, Btrfs, Zfs, Volume };

struct Finding {
    Reason reason = Reason::Mounted;
    std::string way;    ///< `/dev/sda3, which is part of LVM volume vg-root`
    std::string thing;  ///< what the remedy is about: a mount point, a volume …
};

/// What the host says about its storage, read once.
struct Storage {
    std::vector<BlockDevice> devices;
    std::vector<Mount> mounts;
    std::vector<Mount> swaps;
    std::vector<BtrfsFileSystem> btrfs;
    std::set<std::string> zfs_pools;
};

std::vector<Finding> mounts_of(const StackedDevice& it, const Storage& storage) {
    std::vector<Finding> findings;
    for (const Mount& mount : storage.mounts) {
        if (is_from(mount, it.device)) findings.push_back({Reason::Mounted, it.way, mount.point});
    }
    return findings;
}

/// A Btrfs file system is mounted by the name of one member only, and by no member's number.
std::vector<Finding> btrfs_of(const StackedDevice& it, const Storage& storage) {
    std::vector<Finding> findings;
    for (const BtrfsFileSystem& file_system : storage.btrfs) {
        if (!file_system.members.contains(it.device.name)) continue;
        const std::string name = "Btrfs file system " + file_system.uuid;
        const std::string way = fmt::format("{}, which is part of {}", it.way, name);
        for (const Mount& mount : storage.mounts) {
            if (std::ranges::any_of(storage.devices, [&](const BlockDevice& member) {
                    return file_system.members.contains(member.name) && is_from(mount, member);
                })) {
                findings.push_back({Reason::Mounted, way, mount.point});
            }
        }
        if (findings.empty()) findings.push_back({Reason::Btrfs, way, name});
    }
    return findings;
}

std::vector<Finding> uses_of(const StackedDevice& it, const Root& root, const Storage& storage) {
    std::vector<Finding> findings = mounts_of(it, storage);
    if (findings.empty()) findings = btrfs_of(it, storage);
    for (const Mount& swap : storage.swaps) {
        if (is_from(swap, it.device)) findings.push_back({Reason::Swap, it.way, it.device.node()});
    }
    if (const auto pool = zfs_pool_of(root, it.device, storage.zfs_pools)) {
        findings.push_back({Reason::Zfs, it.way, "ZFS pool " + *pool});
    }
    return findings;
}

/// All uses of a stack, from the top down, so that a volume is named for itself only where nothing
/// else was found on it or above.
std::vector<Finding> uses_of(const std::vector<StackedDevice>& stack, const Root& root,
                             const Storage& storage) {
    std::vector<Finding> all;
    std::vector<bool> told(stack.size(), false);
    for (std::size_t at = stack.size(); at-- > 0;) {
        const StackedDevice& it = stack[at];
        std::vector<Finding> findings = uses_of(it, root, storage);
        if (findings.empty() && it.volume && !told[at]) {
            const std::string remedy = fmt::format("{} {}", it.volume->release, it.volume->name);
            findings.push_back({Reason::Volume, it.way, remedy});
        }
        if (!findings.empty()) told[at] = true;
        if (told[at] && it.below) told[*it.below] = true;
        std::ranges::move(findings, std::back_inserter(all));
    }
    return all;
}

/// `/, /home and /var`, `/, /boot, /home and 2 more`.
std::string list(const std::vector<std::string>& names, std::size_t more) {
    std::vector<std::string> parts = names;
    if (more > 0) parts.push_back(fmt::format("{} more", more));
    if (parts.size() < 2) return fmt::format("{}", fmt::join(parts, ""));
    const std::string last = parts.back();
    parts.pop_back();
    return fmt::format("{} and {}", fmt::join(parts, ", "), last);
}

std::string sentence(Reason reason, const std::string& way, const std::string& things) {
    switch (reason) {
        case Reason::Mounted: return fmt::format("{}, mounted at {}", way, things);
        case Reason::Swap: return fmt::format("{}, in use as swap", way);
        case Reason::Btrfs: return fmt::format("{}, which is mounted", way);
        case Reason::Zfs: return fmt::format("{}, a ZFS member while {} is imported", way, things);
        case Reason::Volume: break;
    }
    return way;
}

std::string remedy(Reason reason, const std::vector<std::string>& things, std::size_t more) {
    const std::string names = list(things, more);
    switch (reason) {
        case Reason::Mounted:
            if (std::ranges::find(things, "/") != things.end())
                return "the host itself runs from it";
            return fmt::format("unmount {} first", names);
        case Reason::Swap: return fmt::format("turn off swap on {} first", names);
        case Reason::Btrfs: return fmt::format("unmount {} first", names);
        case Reason::Zfs: return fmt::format("export {} first", names);
        case Reason::Volume: break;
    }
    return fmt::format("{} first", names);
}

/// One use of all findings for one reason, the shortest names first: `/` tells more than a mount
/// deep inside. Those on the same way are told together.
CriticalUse use_of(const Bdf& bdf, Reason reason, std::vector<Finding> findings) {
    constexpr std::size_t named = 3;
    std::ranges::sort(findings, {}, [](const Finding& it) {
        return std::pair(it.thing.size(), std::string_view(it.thing));
    });
    const std::size_t more = findings.size() - std::min(named, findings.size());
    findings.resize(findings.size() - more);
    std::vector<std::string> all_things;
    for (const Finding& it : findings) all_things.push_back(it.thing);
    std::vector<std::string> sentences;
    while (!findings.empty()) {
        const std::string way = findings.front().way;
        std::vector<std::string> things;
        for (const Finding& it : findings) {
            if (it.way == way) things.push_back(it.thing);
        }
        std::erase_if(findings, [&](const Finding& it) { return it.way == way; });
        const bool only_way = sentences.empty() && findings.empty();
        sentences.push_back(sentence(reason, way, list(things, only_way ? more : 0)));
    }
    if (more > 0 && sentences.size() > 1) sentences.push_back(fmt::format("and {} more", more));
    return {bdf, CriticalKind::Storage, fmt::format("holds {}", fmt::join(sentences, "; ")),
            remedy(reason, all_things, more)};
}

}  // namespace

std::vector<CriticalUse> find_storage_uses(const Root& root, const std::vector<Bdf>& functions) {
    std::vector<CriticalUse> uses;
    const std::vector<Mount> mounts = read_mounts(root);
    const Storage storage{block_devices(root), mounts, read_swaps(root), read_btrfs(root),
                          read_zfs_pools(root, mounts)};
    for (const Bdf& bdf : functions) {
        const auto disks = disks_of(root, bdf, storage.devices);
        const auto findings = uses_of(stack_upon(disks, storage.devices), root, storage);
        for (const Reason reason :
             {Reason::Mounted, Reason::Swap, Reason::Btrfs, Reason::Zfs, Reason::Volume}) {
            std::vector<Finding> same;
            std::ranges::copy_if(findings, std::back_inserter(same),
                                 [&](const Finding& it) { return it.reason == reason; });
            if (!same.empty()) uses.push_back(use_of(bdf, reason, std::move(same)));
        }
    }
    return uses;
}

}  // namespace passthru
