// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/domain_memory.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/scratch.hpp"

#include <cstddef>
#include <cstdint>

namespace {

using namespace passthru;
using fuzz::require;

const DomainRequest vm{
    "c1a4f3d2-0000-4000-8000-000000000001", "win11", {{0, 1, 0, 0}, {0, 1, 0, 1}}};

/// What stands at the VM's two addresses now.
Inventory machine(ClassCode first, ClassCode second) {
    Inventory inventory;
    for (const auto& [bdf, class_code] :
         {std::pair(vm.functions[0], first), std::pair(vm.functions[1], second)}) {
        Function function;
        function.bdf = bdf;
        function.id = {0x10de, 0x2489};
        function.class_code = class_code;
        inventory.functions[bdf] = function;
    }
    return inventory;
}

}  // namespace

/// Whatever a VM's file says, its start is allowed or refused by name, and what is remembered
/// instead of it is no surprise to the next start.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::Scratch scratch;
    const DomainMemory memory(scratch.emptied("domains"));
    const std::string file = "domains/" + vm.uuid + ".json";
    scratch.put(file, {reinterpret_cast<const char*>(data), size});
    for (const Inventory& now : {machine(0x0300, 0x0403), machine(0x0108, 0x0200), Inventory{}}) {
        const auto checked = memory.check(vm, now);
        require(checked || checked.error().code == Errc::AddressChanged, "it is refused by name");
        require(checked || !now.functions.empty(), "nothing is no surprise");
    }
    require(memory.forget(vm.uuid).has_value(), "a file is forgotten whatever is in it");
    scratch.put(file, {reinterpret_cast<const char*>(data), size});
    const Inventory now = machine(0x0300, 0x0403);
    require(memory.remember(vm, now).has_value(), "it can be remembered anew");
    require(memory.check(vm, now).has_value(), "what is remembered is no surprise");
    require(!memory.check(vm, machine(0x0108, 0x0403)), "a disk for a GPU is one");
    require(memory.forget(vm.name).has_value(), "it is known by its name");
    return 0;
}
