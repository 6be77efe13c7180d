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
constexpr std::uint16_t vendor_amd_graphics = 0x1002;
constexpr std::uint16_t vendor_amd_processors = 0x1022;

bool fits_on_a_card(ClassCode code) {
    return code == class_audio || code == class_usb || code == class_ucsi;
}

/// Does the slot hold a graphics card and nothing else? An APU's GPU has parts of the processor
/// beside it, a server's console chip the watchdog and the mailbox of the management controller.
bool is_card(const Function& gpu, const Inventory& inventory) {
    return std::ranges::all_of(inventory.functions, [&](const auto& item) {
        const Function& other = item.second;
        if (!other.bdf.same_slot(gpu.bdf)) return true;
        const bool processor =
            gpu.id.vendor == vendor_amd_graphics && other.id.vendor == vendor_amd_processors;
        return !processor && (inventory.leads(other) || fits_on_a_card(other.class_code));
    });
}

std::vector<const Function*> companions_of(const Function& gpu, const Inventory& inventory) {
    std::vector<const Function*> result;
    for (const auto& [bdf, function] : inventory.functions) {
        if (is_companion(function, gpu, inventory)) result.push_back(&function);
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
    if (inventory.leads(function)) {
        for (const Function* companion : companions_of(function, inventory)) {
            add(cluster, *companion, inventory);
        }
    }
    if (!function.iommu_group) return;
    // A companion that comes in through its group brings its GPU along.
    for (const auto& [bdf, gpu] : inventory.functions) {
        if (inventory.leads(gpu) && is_companion(function, gpu, inventory))
            add(cluster, gpu, inventory);
    }
    if (!cluster.groups.insert(*function.iommu_group).second) return;
    for (const Function* member : inventory.group(*function.iommu_group)) {
        add(cluster, *member, inventory);
    }
}

Role role_of(const Function& function, const Cluster& cluster, const Inventory& inventory) {
    if (inventory.leads(function)) return Role::Gpu;
    for (const Bdf& bdf : cluster.functions) {
        const Function& gpu = inventory.functions.at(bdf);
        if (inventory.leads(gpu) && is_companion(function, gpu, inventory)) return Role::Companion;
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

std::vector<Bdf> DeviceSet::functions() const {
    std::vector<Bdf> result;
    for (const Member& member : members) result.push_back(member.bdf);
    return result;
}

std::vector<Bdf> DeviceSet::with_role(Role role) const {
    std::vector<Bdf> result;
    for (const Member& member : members) {
        if (member.role == role) result.push_back(member.bdf);
    }
    return result;
}

bool is_integrated(const Function& gpu, const Inventory& inventory) {
    // Intel's sits on the root bus at 02.0 (QEMU docs/igd-assign.txt); beside AMD's are other parts
    // of the processor.
    constexpr std::uint16_t vendor_intel = 0x8086;
    if (gpu.id.vendor == vendor_intel) return gpu.bdf.bus == 0 && gpu.bdf.device == 2;
    return gpu.id.vendor == vendor_amd_graphics &&
           std::ranges::any_of(inventory.functions, [&](const auto& item) {
               const Function& other = item.second;
               return other.bdf.same_slot(gpu.bdf) && other.id.vendor == vendor_amd_processors;
           });
}

bool is_companion(const Function& function, const Function& gpu, const Inventory& inventory) {
    if (function.bdf == gpu.bdf || !function.bdf.same_slot(gpu.bdf)) return false;
    if (!fits_on_a_card(function.class_code)) return false;
    // What the maker of the GPU put beside it belongs to it, also in an APU: its display audio is
    // AMD graphics' own (1002), the codec and the USB controllers of the board are not (1022).
    return function.id.vendor == gpu.id.vendor || is_card(gpu, inventory);
}

std::vector<DeviceSet> device_sets(const Inventory& inventory) {
    std::vector<DeviceSet> sets;
    std::set<Bdf> placed;
    for (const auto& [bdf, function] : inventory.functions) {
        if (!inventory.leads(function) || placed.contains(bdf)) continue;
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
