// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/inventory.hpp"
#include "libpassthru/reset/quirks.hpp"

#include <chrono>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace passthru {

/// By which door the kernel is asked.
enum class ResetMeans {
    Attribute,     ///< `reset_method` is set to this one method, then `reset` is written, of each
                   ///< function in turn
    VfioHotReset,  ///< VFIO_DEVICE_PCI_HOT_RESET: the bus of a card of several functions, all of
                   ///< which are on vfio-pci
    Subordinate,   ///< `reset_subordinate` of the bridge above (Linux 6.13, 6.1.192…)
    RemoveRescan,  ///< the card is removed and its bus scanned anew
    SleepInRam,    ///< the whole computer sleeps (S3) and is woken by its clock
    /// The same, and a card that does not answer is removed before and looked for after it: the
    /// kernel would write back what it read from it (drivers/pci/pci.c:pci_restore_state).
    RemoveSleepRescan,
};

/// One way to reset a card.
struct ResetAttempt {
    /// `flr`, `pm`, `bus`, `device_specific` …: the kernel's names, an open set, and ours:
    /// `remove_rescan`, `suspend`.
    std::string method;
    ResetMeans means = ResetMeans::Attribute;
    std::vector<Bdf> functions;  ///< that it resets, in this order
    std::optional<Bdf> bridge;   ///< above the card, for Subordinate and what removes it; none on a
                                 ///< root bus

    bool operator==(const ResetAttempt&) const = default;
};

/// What is tried for one card, in this order, until it is well.
struct ResetChain {
    std::vector<Bdf> functions;  ///< of the card that were moved: all of these have to be well
                                 ///< afterwards
    std::vector<ResetAttempt> attempts;
    std::chrono::milliseconds wait{0};  ///< after each attempt, before the card is looked at

    bool operator==(const ResetChain&) const = default;
};

/// Why a method is not in the chain: `bus`, "it would reset 0000:02:00.0 as well".
struct MethodNotTaken {
    std::string method;
    std::string why;

    bool operator==(const MethodNotTaken&) const = default;
};

struct ResetDecision {
    std::vector<ResetChain> chains;
    std::vector<MethodNotTaken> not_taken;

    bool operator==(const ResetDecision&) const = default;
};

/// When a card is reset: the quirk of a card says which of the two it wants.
enum class ResetOccasion { AfterStop, BeforeStart };

/// What is known and wanted beyond what the kernel tells.
struct ResetRules {
    Quirks quirks;
    /// The administrator's `reset` of passthrud.conf(5), by the function that leads a card, that is
    /// its GPU: the only methods that may be tried, in this order. Who is not named has none.
    std::map<Bdf, std::vector<std::string>> wanted;
    ResetOccasion occasion = ResetOccasion::AfterStop;
};

/// The chains for these functions of one device set, one for each card (functions of one slot), in
/// the set's order. A function that is gone or that a host driver has is in no chain. A card that
/// nothing can reset has a chain without attempts, so that its health is checked all the same.
[[nodiscard]] ResetDecision plan_reset(const std::vector<Bdf>& functions,
                                       const Inventory& inventory, const ResetRules& rules);

void PrintTo(const ResetAttempt& attempt, std::ostream* out);
void PrintTo(const ResetChain& chain, std::ostream* out);
void PrintTo(const MethodNotTaken& refused, std::ostream* out);

}  // namespace passthru
