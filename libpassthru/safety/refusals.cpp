// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/refusals.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

Error refuse(Errc code, std::string message) {
    return Error{code, std::move(message), 0};
}

std::optional<Error> iommu_off(const DeviceSet& set, const Inventory& inventory) {
    for (const Member& member : set.members) {
        if (member.role == Role::Foreign) continue;
        const Function& function = inventory.functions.at(member.bdf);
        if (function.iommu_group) continue;
        if (inventory.iommu_kind == "none") {
            return refuse(
                Errc::IommuOff,
                fmt::format(
                    "GPU {} cannot be given to a VM because the IOMMU is off: switch on VT-d or "
                    "AMD-Vi in the firmware and, on Intel, boot with intel_iommu=on",
                    set.id().str()));
        }
        return refuse(
            Errc::IommuOff,
            fmt::format(
                "{} is in no IOMMU group, so it cannot be isolated: this slot is not behind the "
                "IOMMU; try another slot or a newer kernel",
                function.bdf.str()));
    }
    return std::nullopt;
}

std::optional<Error> not_isolated(const DeviceSet& set, const std::vector<Bdf>& wanted,
                                  const Inventory& inventory) {
    std::string names;
    for (const Bdf& bdf : set.with_role(Role::Foreign)) {
        const Function& function = inventory.functions.at(bdf);
        // Without a driver VFIO lets it stay in the group; a picture that tells no drivers tells
        // nothing of that.
        const bool harmless = inventory.tells_drivers() && (!function.driver || function.on_stub());
        if (harmless || std::ranges::find(wanted, bdf) != wanted.end()) continue;
        names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", bdf.str(),
                             class_name(function.class_code));
    }
    // A second GPU of the same group is as foreign as a disk, unless the caller lists it as well.
    const std::vector<Bdf> gpus = set.with_role(Role::Gpu);
    const auto listed = [&](const Bdf& bdf) {
        return std::ranges::find(wanted, bdf) != wanted.end();
    };
    if (gpus.size() > 1 && std::ranges::any_of(gpus, listed)) {
        for (const Bdf& gpu : gpus) {
            if (listed(gpu)) continue;
            names += fmt::format("{}{} (another GPU)", names.empty() ? "" : ", ", gpu.str());
            for (const Bdf& bdf : set.with_role(Role::Companion)) {
                if (!bdf.same_slot(gpu) || listed(bdf)) continue;
                names += fmt::format(", {} (its {})", bdf.str(),
                                     class_name(inventory.functions.at(bdf).class_code));
            }
        }
    }
    if (names.empty()) return std::nullopt;
    return refuse(Errc::NotIsolated,
                  fmt::format("GPU {} shares its IOMMU group with {}: put the card into another "
                              "slot, look for ACS in "
                              "the firmware, or list these functions in the VM as well",
                              set.id().str(), names));
}

std::optional<Error> boot_gpu(const DeviceSet& set, const Inventory& inventory) {
    for (const Bdf& bdf : set.with_role(Role::Gpu)) {
        if (!inventory.functions.at(bdf).boot_vga) continue;
        return refuse(
            Errc::BootGpu,
            fmt::format(
                "GPU {} is the one that this computer booted on and shows its console: choose "
                "another GPU for the VM, or another boot display in the firmware",
                bdf.str()));
    }
    return std::nullopt;
}

std::optional<Error> no_stub_driver(const DeviceSet& set, const std::vector<Bdf>& wanted,
                                    const Inventory& inventory) {
    for (const Member& member : set.members) {
        const bool moves =
            member.role != Role::Foreign || std::ranges::find(wanted, member.bdf) != wanted.end();
        if (!moves || inventory.functions.at(member.bdf).on_stub()) continue;
        const std::string stub = stub_driver_for(inventory.functions.at(member.bdf), inventory);
        if (std::ranges::find(inventory.stub_drivers, stub) != inventory.stub_drivers.end())
            continue;
        return refuse(
            Errc::NoStubDriver,
            fmt::format("the driver {} that {} needs for a VM is not loaded: run “modprobe {}”",
                        stub, member.bdf.str(), stub));
    }
    return std::nullopt;
}

}  // namespace

std::optional<Error> refusal_for(const DeviceSet& set, const std::vector<Bdf>& wanted,
                                 const Inventory& inventory) {
    if (auto error = iommu_off(set, inventory)) return error;
    if (auto error = not_isolated(set, wanted, inventory)) return error;
    if (auto error = boot_gpu(set, inventory)) return error;
    return no_stub_driver(set, wanted, inventory);
}

}  // namespace passthru
