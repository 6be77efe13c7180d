// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/journal.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/scratch.hpp"

#include <cstddef>
#include <cstdint>

namespace {

using namespace passthru;
using fuzz::require;

const Bdf gpu{0, 1, 0, 0};

Inventory machine(const char* driver) {
    Inventory inventory;
    Function function;
    function.bdf = gpu;
    function.id = {0x10de, 0x2489};
    function.class_code = 0x0300;
    function.iommu_group = 1;
    function.driver = driver;
    inventory.functions[gpu] = function;
    inventory.stub_drivers = {"vfio-pci"};
    inventory.iommu_kind = "intel";
    return inventory;
}

/// A restart from it is decided, wherever the functions are.
void restart_from(const Assignment& assignment) {
    for (const char* driver : {"nouveau", "vfio-pci"}) {
        const Inventory inventory = machine(driver);
        const DeviceSet set = device_sets(inventory).front();
        const Snapshot now{inventory, set, {}, {}};
        const Reaction restarted = react(assignment, now, event::Restarted{});
        std::ignore = react(restarted.next, now, event::JobEnded{});
        std::ignore = react(restarted.next, now, event::DomainsListed{{}, SteadyTime::max()});
        std::ignore = react(restarted.next, now, event::ReattachWanted{1, std::nullopt});
        std::ignore = react(restarted.next, now, event::DetachWanted{2, {}, {}});
    }
}

}  // namespace

/// A file is either read, and then means the same when it is written and read again, or set aside.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::Scratch scratch;
    const std::filesystem::path folder = scratch.emptied("sets");
    scratch.put("sets/0000_01_00_0.json", {reinterpret_cast<const char*>(data), size});
    const Journal journal(folder, "boot-1");
    const Journal::Contents contents = journal.load();
    require(contents.assignments.size() + contents.complaints.size() == 1, "it is read or not");
    const bool kept = std::filesystem::exists(folder / "0000_01_00_0.json");
    require(kept == contents.complaints.empty(), "what is not read is set aside");
    for (const auto& [set, assignment] : contents.assignments) {
        scratch.emptied("sets");
        require(journal.save(set, assignment).has_value(), "it can be written");
        const Journal::Contents again = journal.load();
        require(again.assignments.contains(set), "it can be read again");
        const Assignment& same = again.assignments.at(set);
        require(same.phase == assignment.phase && same.owner == assignment.owner &&
                    same.keeper == assignment.keeper && same.record == assignment.record &&
                    same.trouble == assignment.trouble,
                "it means the same");
        restart_from(assignment);
    }
    return 0;
}
