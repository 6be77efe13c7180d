// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/checks.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

constexpr const char* other_slot = "put the card into another slot or look for ACS in the firmware";

bool is_listed(const DetachCase& it, const Bdf& bdf) {
    const auto& listed = it.wishes.functions;
    return std::ranges::find(listed, bdf) != listed.end();
}

const CriticalUse* critical_use(const DetachCase& it, const Bdf& bdf) {
    const auto found = std::ranges::find(it.findings.critical, bdf, &CriticalUse::function);
    return found == it.findings.critical.end() ? nullptr : &*found;
}

/// The GPUs of the group that the caller does not ask for: as foreign as a disk.
std::vector<Bdf> other_gpus(const DetachCase& it) {
    const std::vector<Bdf> gpus = it.set.with_role(Role::Gpu);
    const auto asked = [&](const Bdf& bdf) { return is_listed(it, bdf); };
    std::vector<Bdf> others;
    if (gpus.size() < 2 || std::ranges::none_of(gpus, asked)) return others;
    std::ranges::copy_if(gpus, std::back_inserter(others),
                         [&](const Bdf& bdf) { return !it.wishes.lists(bdf); });
    return others;
}

}  // namespace

Refusals check_isolation(const DetachCase& it) {
    Refusals refusals;
    const std::string lead = fmt::format("GPU {} shares its IOMMU group with", it.set.id().str());
    const std::string cure =
        fmt::format("{}, or list these functions in the VM as well", other_slot);
    const auto refuse = [&](const Bdf& bdf, std::string subject) {
        // Listing what the host needs would only be refused again.
        const bool critical = critical_use(it, bdf) != nullptr;
        refusals.push_back(
            {Errc::NotIsolated, bdf, lead, std::move(subject), critical ? other_slot : cure});
    };
    for (const Bdf& bdf : it.set.with_role(Role::Foreign)) {
        const Function& function = it.inventory.functions.at(bdf);
        if (is_in_the_way(function, it)) refuse(bdf, with_class(function));
    }
    for (const Bdf& gpu : other_gpus(it)) {
        refuse(gpu, fmt::format("{} (another GPU)", gpu.str()));
        for (const Bdf& bdf : it.set.with_role(Role::Companion)) {
            if (!bdf.same_slot(gpu) || it.wishes.lists(bdf)) continue;
            const Function& function = it.inventory.functions.at(bdf);
            refuse(bdf, fmt::format("{} (its {})", bdf.str(), class_name(function.class_code)));
        }
    }
    return refusals;
}

Refusals check_host_critical(const DetachCase& it) {
    Refusals refusals;
    for (const CriticalUse& use : it.findings.critical) {
        if (!it.set.contains(use.function)) continue;
        const Function& function = it.inventory.functions.at(use.function);
        const std::vector<Bdf> moved = moved_functions(it.set, it.wishes);
        const bool moves = std::ranges::find(moved, use.function) != moved.end();
        const bool absolute = use.kind == CriticalKind::Storage || use.kind == CriticalKind::Board;
        if (!absolute && it.wishes.overrides_check(Errc::HostCritical)) continue;
        if (moves) {
            refusals.push_back({Errc::HostCritical, use.function, "",
                                fmt::format("{} {}", with_class(function), use.what), use.remedy});
        } else if (is_in_the_way(function, it)) {
            refusals.push_back({Errc::HostCritical, use.function, "",
                                fmt::format("{}, in the IOMMU group of GPU {}, {}",
                                            with_class(function), it.set.id().str(), use.what),
                                other_slot});
        }
    }
    return refusals;
}

}  // namespace passthru
