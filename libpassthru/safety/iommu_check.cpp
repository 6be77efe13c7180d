// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/checks.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

struct Reason {
    std::string why;
    std::string cure;
};

bool switched_off(const Platform& platform, std::string_view parameter) {
    const std::string value = platform.parameter(parameter);
    return value == "off" || value.starts_with("off,") || value == "soft";
}

/// Why a machine has no IOMMU groups, as far as can be seen from inside.
Reason why_off(const Platform& platform) {
    for (const char* parameter : {"intel_iommu", "amd_iommu", "iommu"}) {
        if (!switched_off(platform, parameter)) continue;
        return {fmt::format("the kernel's command line switches it off with {}={}", parameter,
                            platform.parameter(parameter)),
                fmt::format("remove {}={} from the command line and reboot", parameter,
                            platform.parameter(parameter))};
    }
    if (platform.is_virtual && !platform.firmware_tells_iommu) {
        return {"this computer is itself a virtual machine that was given none",
                "give it a virtual IOMMU, in libvirt <iommu model='intel'/>"};
    }
    const bool intel = platform.cpu_vendor == "GenuineIntel";
    if (platform.firmware_tells_iommu && intel) {
        return {"the firmware offers it and the kernel does not use it",
                "boot with intel_iommu=on on the kernel's command line"};
    }
    if (intel) {
        return {"the firmware does not offer it",
                "switch on VT-d in the firmware and boot with intel_iommu=on"};
    }
    if (platform.cpu_vendor == "AuthenticAMD") {
        return {"the firmware does not offer it",
                "set IOMMU (AMD-Vi) to Enabled in the firmware; Auto is often not enough"};
    }
    return {
        "no device of this computer is behind an IOMMU",
        "switch on VT-d or AMD-Vi in the firmware and, on Intel, boot with intel_iommu=on; some "
        "boards have none"};
}

}  // namespace

Refusals check_iommu(const DetachCase& it) {
    Refusals refusals;
    for (const Bdf& bdf : moved_functions(it.set, it.wishes)) {
        if (it.inventory.functions.at(bdf).iommu_group) continue;
        if (it.inventory.iommu_kind == "none") {
            const Reason reason = why_off(it.inventory.platform);
            return {{Errc::IommuOff, it.set.id(), "",
                     fmt::format("GPU {} cannot be given to a VM because the IOMMU is off: {}",
                                 it.set.id().str(), reason.why),
                     reason.cure}};
        }
        refusals.push_back(
            {Errc::IommuOff, bdf, "",
             fmt::format("{} is in no IOMMU group, so it cannot be isolated", bdf.str()),
             "this slot is not behind the IOMMU; try another slot or a newer kernel"});
    }
    return refusals;
}

Refusals check_reserved_memory(const DetachCase& it) {
    Refusals refusals;
    for (const Bdf& bdf : moved_functions(it.set, it.wishes)) {
        const auto group = it.inventory.functions.at(bdf).iommu_group;
        if (!group || !it.inventory.reserved_groups.contains(*group)) continue;
        refusals.push_back(
            {Errc::ReservedMemory, bdf, "",
             fmt::format(
                 "the firmware keeps memory of {} for itself (an RMRR), so the kernel gives it "
                 "to no VM",
                 bdf.str()),
             "look in the firmware for a switch, which HPE calls shared memory features of the "
             "slot"});
    }
    return refusals;
}

Refusals check_stub_driver(const DetachCase& it) {
    Refusals refusals;
    for (const Bdf& bdf : moved_functions(it.set, it.wishes)) {
        const Function& function = it.inventory.functions.at(bdf);
        if (function.on_stub()) continue;
        const std::string stub = stub_driver_for(function, it.inventory);
        const auto& loaded = it.inventory.stub_drivers;
        if (std::ranges::find(loaded, stub) != loaded.end()) continue;
        refusals.push_back(
            {Errc::NoStubDriver, bdf, "",
             fmt::format("the driver {} that {} needs for a VM is not loaded", stub, bdf.str()),
             fmt::format("run “modprobe {}”", stub)});
    }
    return refusals;
}

}  // namespace passthru
