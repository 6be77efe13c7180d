// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/checks.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {

bool may_be_ignored(const Holder& holder, const std::optional<std::string>& driver) {
    if (holder.kind == HolderKind::Guest || holder.node.starts_with("/dev/snd/")) return false;
    return !driver || !driver->starts_with("nvidia");
}

Refusals check_in_use(const DetachCase& it) {
    Refusals refusals;
    for (const Bdf& bdf : moved_functions(it.set, it.wishes)) {
        const int count = it.inventory.functions.at(bdf).virtual_functions;
        if (count == 0) continue;
        refusals.push_back(
            {Errc::InUse, bdf, "",
             fmt::format("{} has {} virtual functions switched on, which would vanish with it",
                         bdf.str(), count),
             fmt::format(
                 "give the VM one of those, or write 0 to /sys/bus/pci/devices/{}/sriov_numvfs",
                 bdf.str())});
    }
    // Programs that are given time are waited for by the worker, and udev always.
    if (it.wishes.policy.in_use != WhenInUse::Refuse) return refusals;
    const auto is_stopped = [&](const std::string& unit) {
        const auto& services = it.wishes.policy.stop_services;
        return std::ranges::find(services, unit) != services.end();
    };
    for (const Holder& holder : it.findings.holders) {
        if (!blocks(holder) || is_of_udev(holder) || is_stopped(holder.unit)) continue;
        const Function* function = it.inventory.find(holder.function);
        if (function != nullptr && it.wishes.overrides_check(Errc::InUse) &&
            may_be_ignored(holder, function->driver)) {
            continue;
        }
        refusals.push_back({Errc::InUse, holder.function,
                            fmt::format("{} is in use by", holder.function.str()),
                            describe({holder}), how_to_free_from({holder})});
    }
    return refusals;
}

}  // namespace passthru
