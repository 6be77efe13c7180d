// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/inventory.hpp"
#include "tests/fakes/world.hpp"

#include <string>
#include <vector>

namespace passthru {

/// What a person who knows the machine says about handing one of its functions to a VM.
struct Verdict {
    std::string subject;  ///< mostly an address
    std::string verdict;  ///< `ok`, `ok-with-warning`, `ok-by-address`, `refuse`,
                          ///< `refuse-while-vfs`, `needs-iommu-data`
    std::string reason;
    std::vector<Bdf> companions;  ///< has to move with it
    std::vector<Bdf> conflicts;   ///< is in the way
    std::vector<Bdf> ignored;     ///< is in the group and does not count
};

/// The picture of a real machine: tests/machines/ID.json.
struct Machine {
    std::string id;
    fakes::World world;
    std::vector<Verdict> verdicts;
};

/// The ids of all pictures, sorted.
[[nodiscard]] std::vector<std::string> machine_ids();
[[nodiscard]] Machine load_machine(const std::string& id);

/// As much of the drawn machine as tells its device sets, without building it.
[[nodiscard]] Inventory sketch(const fakes::World& world);

}  // namespace passthru
