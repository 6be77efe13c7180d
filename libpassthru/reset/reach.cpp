// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/reset/reach.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

bool is_below(const Function& function, const Bdf& bridge, const Inventory& inventory) {
    std::optional<Bdf> above = function.parent;
    // Each bridge opens a bus of its own, and a domain has 256.
    for (int depth = 0; above && depth < 256; ++depth) {
        if (*above == bridge) return true;
        const Function* next = inventory.find(*above);
        above = next == nullptr ? std::nullopt : next->parent;
    }
    return false;
}

/// As many addresses as a sentence can hold.
std::string some_of(const std::vector<Bdf>& functions) {
    constexpr std::size_t most = 4;
    std::string text;
    for (std::size_t i = 0; i < std::min(functions.size(), most); ++i) {
        text += (i == 0 ? "" : ", ") + functions[i].str();
    }
    if (functions.size() > most) text += fmt::format(" and {} more", functions.size() - most);
    return text;
}

}  // namespace

std::vector<const Function*> reach_of_bus(const Function& function, const Inventory& inventory) {
    std::vector<const Function*> reached;
    for (const auto& [bdf, other] : inventory.functions) {
        const bool same_bus = bdf.domain == function.bdf.domain && bdf.bus == function.bdf.bus;
        // The virtual functions of a card may have a bus number of their own below the same bridge
        // (drivers/pci/iov.c:virtfn_add_bus).
        const bool below = function.parent && is_below(other, *function.parent, inventory);
        if (same_bus || below) reached.push_back(&other);
    }
    return reached;
}

std::optional<std::string> against_bus_reset(const Function& function,
                                             const std::vector<Bdf>& given,
                                             const Inventory& inventory) {
    // A root bus has no bridge that could reset it (drivers/pci/pci.c:pci_bus_resettable).
    if (!function.parent) {
        return fmt::format("there is no bridge above {}", function.bdf.str());
    }
    std::vector<Bdf> others;
    for (const Function* reached : reach_of_bus(function, inventory)) {
        if (std::ranges::find(given, reached->bdf) == given.end()) others.push_back(reached->bdf);
    }
    if (!others.empty()) return fmt::format("it would reset {} as well", some_of(others));
    for (const Function* reached : reach_of_bus(function, inventory)) {
        // The kernel itself does not look: it resets below a live driver
        // (drivers/pci/pci-sysfs.c:reset_subordinate_store).
        if (reached->on_stub()) continue;
        return fmt::format("it would reset {}, which is not on a driver for VFIO",
                           reached->bdf.str());
    }
    return std::nullopt;
}

std::optional<std::string> against_removal(const std::vector<const Function*>& members,
                                           const Inventory& inventory) {
    const Function& first = *members.front();
    std::vector<Bdf> others;
    std::size_t in_slot = 0;
    for (const auto& [bdf, function] : inventory.functions) {
        if (!bdf.same_slot(first.bdf)) continue;
        ++in_slot;
        if (std::ranges::find(members, &function) == members.end()) others.push_back(bdf);
    }
    for (const Function* member : members) {
        // It is not found on the bus again: its physical function makes it.
        if (member->is_virtual) {
            return fmt::format("{} is a virtual function", member->bdf.str());
        }
        if (member->virtual_functions > 0) {
            return fmt::format("it would remove the virtual functions of {} as well",
                               member->bdf.str());
        }
    }
    if (!others.empty()) return fmt::format("it would remove {} as well", some_of(others));
    // Such functions are parts of the chipset or the processor, and no card.
    if (!first.parent && in_slot > 1) {
        return fmt::format("the slot of {} is a part of the board", first.bdf.str());
    }
    return std::nullopt;
}

}  // namespace passthru
