// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/config_header.hpp"
#include "libpassthru/pci/set_state.hpp"
#include "libpassthru/plan/dry_run.hpp"
#include "libpassthru/plan/plan_json.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/scratch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace {

using namespace passthru;
using fuzz::require;
namespace fs = std::filesystem;

constexpr std::string_view function_files[] = {
    "vendor",
    "device",
    "subsystem_vendor",
    "subsystem_device",
    "class",
    "config",
    "reset_method",
    "driver_override",
    "modalias",
    "numa_node",
    "enable",
    "boot_vga",
    "power_state",
    "d3cold_allowed",
    "sriov_numvfs",
    "power/control",
    "secondary_bus_number",
};
constexpr std::string_view function_links[] = {"driver", "iommu_group", "physfn", "virtfn0"};
constexpr std::string_view machine_files[] = {"proc/cmdline", "proc/cpuinfo",
                                              "sys/kernel/iommu_groups/1/reserved_regions",
                                              "sys/class/iommu/dmar0"};

const Bdf functions[] = {{0, 1, 0, 0}, {0, 1, 0, 1}, {0x10000, 2, 0, 0}};

template <std::size_t N>
bool is_one_of(std::string_view name, const std::string_view (&names)[N]) {
    return std::ranges::find(names, name) != std::end(names);
}

/// `NAME VALUE` makes an attribute of the function, or one of the machine's files.
void put_entry(const fuzz::Scratch& scratch, const fs::path& function, std::string_view entry) {
    const std::size_t space = std::min(entry.find(' '), entry.size());
    const std::string_view name = entry.substr(0, space);
    const std::string_view value = entry.substr(std::min(space + 1, entry.size()));
    if (is_one_of(name, function_files)) {
        scratch.put(function / name, value);
    } else if (is_one_of(name, machine_files)) {
        scratch.put(fs::path("root") / name, value);
    } else if (is_one_of(name, function_links) && !value.empty() && !value.contains('\0')) {
        std::error_code ignored;
        fs::create_symlink(value, scratch.path() / function / name, ignored);
    }
}

/// Entries are separated by a line `--`; a line `==` goes on with the next function.
void build(const fuzz::Scratch& scratch, std::string_view text) {
    scratch.emptied("root");
    for (const char* folder : {"root/proc", "root/sys/kernel/iommu_groups/1",
                               "root/sys/class/iommu", "root/sys/bus/pci/drivers/vfio-pci"}) {
        scratch.emptied(folder);
    }
    for (const Bdf& bdf : functions) {
        const fs::path folder = fs::path("root/sys/bus/pci/devices") / bdf.str();
        scratch.emptied((folder / "power").string());
        const std::size_t end = std::min(text.find("\n==\n"), text.size());
        std::string_view entries = text.substr(0, end);
        while (!entries.empty()) {
            const std::size_t stop = std::min(entries.find("\n--\n"), entries.size());
            put_entry(scratch, folder, entries.substr(0, stop));
            entries.remove_prefix(std::min(stop + 4, entries.size()));
        }
        text.remove_prefix(std::min(end + 4, text.size()));
        if (text.empty()) return;
    }
}

void look_at_config(const Root& root, const Function& function) {
    const fs::path folder = root.below("sys/bus/pci/devices") / function.bdf.str();
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    require(fd >= 0, "there is a folder");
    if (const auto header = read_config(fd)) std::ignore = header->type();
    std::ignore = check_answer(fd, function.bdf, function.id);
    ::close(fd);
}

}  // namespace

/// Whatever the attributes say, the machine is read, and each GPU of it is planned for or refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::Scratch scratch;
    build(scratch, {reinterpret_cast<const char*>(data), size});
    const Root root(scratch.path() / "root");
    Inventory inventory = read_inventory(root);
    for (const auto& [bdf, function] : inventory.functions) {
        look_at_config(root, function);
        require(!stub_driver_for(function, inventory).empty(), "there is a stub driver");
        std::ignore = class_name(function.class_code);
    }
    const Inventory before = inventory;
    reread(inventory, root, {std::begin(functions), std::end(functions)});
    require(inventory == before, "it reads the same again");
    for (const DeviceSet& set : device_sets(inventory)) {
        std::ignore = set_state(set, inventory);
        const auto run = dry_run_detach(root, set.id());
        require(run.has_value(), "the head of a set is a GPU");
        // Only a set that is already where it has to be needs no step.
        require(run->steps.empty() != run->judgement.refusals.empty() ||
                    set_state(set, inventory) != SetState::Host,
                "it is planned for or refused");
        const Plan plan{PlanKind::Detach, run->steps};
        const auto read = plan_from_text(plan_to_text(plan));
        require(!read || *read == plan, "the worker reads the same plan");
    }
    return 0;
}
