// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/device_set.hpp"

#include <algorithm>
#include <ostream>
#include <set>

namespace passthru {
namespace {

constexpr ClassCode class_audio = 0x0403;
constexpr ClassCode class_usb = 0x0c03;
constexpr ClassCode class_ucsi = 0x0c80;

std::vector<const Function*> companions_of(const Function& gpu, const Inventory& inventory) {
    std::vector<const Function*> result;
    for (const auto& [bdf, function] : inventory.functions) {
        if (is_companion(function, gpu)) result.push_back(&function);
    }
    return result;
}

/// GPUs, companions and groups that hang together, directly or through one another.
struct Cluster {
    std::set<Bdf> functions;
    std::set<int> groups;
};

void add(Cluster& cluster, const Function& function, const Inventory& inventory) {
    if (function.is_bridge() || function.is_furniture()) return;
    if (!cluster.functions.insert(function.bdf).second) return;
    if (function.is_gpu()) {
        for (const Function* companion : companions_of(function, inventory)) {
            add(cluster, *companion, inventory);
        }
    }
    if (!function.iommu_group) return;
    // A companion that comes in through its group brings its GPU along.
    for (const auto& [bdf, gpu] : inventory.functions) {
        if (gpu.is_gpu() && is_companion(function, gpu)) add(cluster, gpu, inventory);
    }
    if (!cluster.groups.insert(*function.iommu_group).second) return;
    for (const Function* member : inventory.group(*function.iommu_group)) {
        add(cluster, *member, inventory);
    }
}

Role role_of(const Function& function, const Cluster& cluster, const Inventory& inventory) {
    if (function.is_gpu()) return Role::Gpu;
    for (const Bdf& bdf : cluster.functions) {
        const Function& gpu = inventory.functions.at(bdf);
        if (gpu.is_gpu() && is_companion(function, gpu)) return Role::Companion;
    }
    return Role::Foreign;
}

}  // namespace

std::string_view role_name(Role role) {
    switch (role) {
        case Role::Gpu: return "gpu";
        case Role::Companion: return "companion";
        case Role::Foreign: return "foreign";
    }
    return "foreign";
}

Bdf DeviceSet::id() const {
    for (const Member& member : members) {
        if (member.role == Role::Gpu) return member.bdf;
    }
    return {};
}

bool DeviceSet::contains(const Bdf& bdf) const {
    return std::ranges::any_of(members, [&](const Member& member) { return member.bdf == bdf; });
}

std::vector<Bdf> DeviceSet::with_role(Role role) const {
    std::vector<Bdf> result;
    for (const Member& member : members) {
        if (member.role == role) result.push_back(member.bdf);
    }
    return result;
}

bool is_companion(const Function& function, const Function& gpu) {
    if (function.bdf == gpu.bdf || !function.bdf.same_slot(gpu.bdf)) return false;
    // A card has one maker. An APU's graphics and display audio are of AMD's graphics division (1002), the rest of the
    // slot is the processor's (1022); a server's console chip has the management controller's USB beside it.
    if (function.id.vendor != gpu.id.vendor) return false;
    return function.class_code == class_audio || function.class_code == class_usb ||
           function.class_code == class_ucsi;
}

std::vector<DeviceSet> device_sets(const Inventory& inventory) {
    std::vector<DeviceSet> sets;
    std::set<Bdf> placed;
    for (const auto& [bdf, function] : inventory.functions) {
        if (!function.is_gpu() || placed.contains(bdf)) continue;
        Cluster cluster;
        add(cluster, function, inventory);
        placed.insert(cluster.functions.begin(), cluster.functions.end());
        DeviceSet set;
        for (const Bdf& member : cluster.functions) {
            const Function& found = inventory.functions.at(member);
            set.members.push_back({member, role_of(found, cluster, inventory)});
        }
        set.groups.assign(cluster.groups.begin(), cluster.groups.end());
        sets.push_back(std::move(set));
    }
    return sets;
}

void PrintTo(const DeviceSet& set, std::ostream* out) {
    for (const Member& member : set.members) {
        *out << member.bdf.str() << ' ' << role_name(member.role) << "; ";
    }
}

}  // namespace passthru
