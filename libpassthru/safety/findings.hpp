// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/inventory.hpp"
#include "libpassthru/safety/holders.hpp"
#include "libpassthru/safety/host_critical.hpp"

#include <set>
#include <string>
#include <vector>

namespace passthru {

/// A function that does not answer reads of its config space, or answers as another device.
struct Unanswering {
    Bdf function;
    Error error;
    bool operator==(const Unanswering&) const = default;
};

/// What has to be looked at, beyond the inventory, before functions are taken from the host. Who
/// may not look into everything finds less.
struct Findings {
    std::vector<Unanswering> unanswering;
    std::vector<CriticalUse> critical;
    std::vector<Holder> holders;
    /// Of the services that the configuration has stopped for a detach, those that run. `inspect`
    /// does not know the configuration.
    std::set<std::string> running_services;

    bool operator==(const Findings&) const = default;
};

/// Looks, and changes nothing; reading config space wakes a sleeping card. Seeing other users'
/// descriptors takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.
[[nodiscard]] Findings inspect(const Root& root, const Inventory& inventory,
                               const std::vector<Bdf>& functions);

}  // namespace passthru
