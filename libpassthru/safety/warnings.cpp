// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/checks.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

constexpr const char* not_guaranteed =
    "the groups are not real isolation, and a guest may reach other devices' memory";

/// What the ACS override patch understands (its documentation of pcie_acs_override).
bool is_acs_token(std::string_view token) {
    return token == "downstream" || token == "multifunction" || token.starts_with("id:");
}

void warn_of_override(const DetachCase& it, std::vector<Warning>& result) {
    const std::string value = it.inventory.platform.parameter("pcie_acs_override");
    std::size_t start = 0;
    bool works = false;
    while (start < value.size()) {
        const std::size_t end = std::min(value.find(',', start), value.size());
        const std::string token = value.substr(start, end - start);
        start = end + 1;
        works = works || is_acs_token(token);
        if (is_acs_token(token)) continue;
        result.push_back(
            {"acs-override-misspelt", it.set.id(),
             fmt::format("pcie_acs_override={} on the kernel's command line has no effect: "
                         "“{}” is none of downstream, multifunction and id:…",
                         value, token)});
    }
    if (!works) return;
    result.push_back({"acs-override", it.set.id(),
                      fmt::format("the kernel was started with pcie_acs_override={}: {}", value,
                                  not_guaranteed)});
}

/// NVIDIA's functions do not announce ACS, so the kernel keeps a card's in one group
/// (drivers/iommu/iommu.c:pci_device_group) unless it was told to overlook that.
void warn_of_split(const DetachCase& it, std::vector<Warning>& result) {
    constexpr std::uint16_t vendor_nvidia = 0x10de;
    for (const Bdf& bdf : it.set.with_role(Role::Gpu)) {
        const Function& gpu = it.inventory.functions.at(bdf);
        if (gpu.id.vendor != vendor_nvidia) continue;
        for (const Bdf& other : it.set.with_role(Role::Companion)) {
            const Function& companion = it.inventory.functions.at(other);
            if (!other.same_slot(bdf) || companion.iommu_group == gpu.iommu_group) continue;
            result.push_back(
                {"acs-override", bdf,
                 fmt::format("{} and {} of one NVIDIA card are in different IOMMU groups, "
                             "which points to pcie_acs_override: {}",
                             bdf.str(), other.str(), not_guaranteed)});
            return;
        }
    }
}

void warn_of_display(const DetachCase& it, std::vector<Warning>& result) {
    for (const Bdf& bdf : it.set.with_role(Role::Gpu)) {
        const Function& gpu = it.inventory.functions.at(bdf);
        const auto other_display = [&](const auto& item) {
            const Function& other = item.second;
            return !it.set.contains(other.bdf) && other.is_display() && !other.is_virtual;
        };
        const bool alone = std::ranges::none_of(it.inventory.functions, other_display);
        const bool beside_integrated =
            std::ranges::any_of(it.inventory.functions, [&](const auto& item) {
                return other_display(item) && is_integrated(item.second, it.inventory);
            });
        if (is_integrated(gpu, it.inventory)) {
            result.push_back(
                {"integrated-gpu", bdf,
                 fmt::format("GPU {} is part of the processor: it can often not be reset, "
                             "and the firmware may show its console on it",
                             bdf.str())});
        } else if (gpu.is_gpu() && !gpu.is_display() && !gpu.is_virtual && beside_integrated) {
            result.push_back(
                {"no-outputs", bdf,
                 fmt::format("GPU {} is a 3D controller without outputs of its own: the "
                             "guest's picture needs a virtual display or Looking Glass",
                             bdf.str())});
        }
        if (alone && gpu.is_display() && !gpu.is_virtual) {
            result.push_back({"only-gpu", bdf,
                              fmt::format("no other GPU is left that could show a picture of this "
                                          "computer while a VM has {}",
                                          bdf.str())});
        }
    }
}

void warn_of_what_stays(const DetachCase& it, std::vector<Warning>& result) {
    for (const Bdf& bdf : it.set.with_role(Role::Foreign)) {
        const Function& function = it.inventory.functions.at(bdf);
        if (it.wishes.lists(bdf) || function.driver || is_in_the_way(function, it)) continue;
        result.push_back(
            {"stays", bdf,
             fmt::format("{} is in the IOMMU group and has no driver: it stays as it is, "
                         "and the host cannot use it while a VM has the GPU",
                         with_class(function))});
    }
}

void warn_of_consoles(const DetachCase& it, std::vector<Warning>& result) {
    for (const Holder& holder : it.findings.holders) {
        if (holder.kind != HolderKind::Console) continue;
        result.push_back({"console", holder.function,
                          fmt::format("the text console is on {} ({}) and goes dark", holder.node,
                                      holder.function.str())});
    }
}

}  // namespace

std::vector<Warning> warnings(const DetachCase& it) {
    std::vector<Warning> result;
    for (const auto warn :
         {warn_of_override, warn_of_split, warn_of_display, warn_of_what_stays, warn_of_consoles}) {
        warn(it, result);
    }
    return result;
}

}  // namespace passthru
