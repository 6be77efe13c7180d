// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/inventory.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fnmatch.h>
#include <fstream>
#include <sstream>
#include <sys/utsname.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;

std::uint32_t hex_attribute(const fs::path& file) {
    const std::string text = read_attribute(file).value_or("");
    std::string_view digits = text;
    if (digits.starts_with("0x")) digits.remove_prefix(2);
    std::uint32_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return value;
}

int int_attribute(const fs::path& file, int otherwise) {
    const std::string text = read_attribute(file).value_or("");
    int value = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::vector<std::string> words(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> result;
    for (std::string word; stream >> word;) result.push_back(word);
    return result;
}

int count_entries(const fs::path& folder, std::string_view prefix) {
    int count = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (entry.path().filename().string().starts_with(prefix)) ++count;
    }
    return count;
}

std::vector<std::string> entries(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        names.push_back(entry.path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

/// The entry in the bus's folder is a link to the place in the tree, where each function's folder
/// is in that of its bridge: `…/pci0000:00/0000:00:01.0/0000:01:00.0`.
std::optional<Bdf> read_parent(const fs::path& folder) {
    std::error_code error;
    const auto place = fs::read_symlink(folder, error);
    const auto parent = parse_bdf(place.parent_path().filename().string());
    return parent ? std::optional(*parent) : std::nullopt;
}

std::optional<std::string> read_override(const fs::path& folder) {
    auto text = read_attribute(folder / "driver_override");
    // The kernel prints a null pointer for "not set".
    if (text == "(null)" || text == "") text.reset();
    return text;
}

Function read_function(const Bdf& bdf, const fs::path& folder, Overrides overrides) {
    Function function;
    function.bdf = bdf;
    function.parent = read_parent(folder);
    function.id = {static_cast<std::uint16_t>(hex_attribute(folder / "vendor")),
                   static_cast<std::uint16_t>(hex_attribute(folder / "device"))};
    function.subsystem = {static_cast<std::uint16_t>(hex_attribute(folder / "subsystem_vendor")),
                          static_cast<std::uint16_t>(hex_attribute(folder / "subsystem_device"))};
    function.class_code = static_cast<ClassCode>(hex_attribute(folder / "class") >> 8);
    if (const auto group = read_link_name(folder / "iommu_group")) {
        int id = 0;
        const auto [stop, error] =
            std::from_chars(group->data(), group->data() + group->size(), id);
        if (error == std::errc{}) function.iommu_group = id;
    }
    function.driver = read_link_name(folder / "driver");
    if (overrides == Overrides::Read) function.driver_override = read_override(folder);
    function.reset_methods = words(read_attribute(folder / "reset_method").value_or(""));
    function.power_control = read_attribute(folder / "power/control");
    function.d3cold_allowed = read_attribute(folder / "d3cold_allowed");
    function.power_state = read_attribute(folder / "power_state").value_or("unknown");
    function.modalias = read_attribute(folder / "modalias").value_or("");
    function.numa_node = int_attribute(folder / "numa_node", -1);
    function.enable_count = int_attribute(folder / "enable", 0);
    // Links of the kernel's own making (drivers/pci/iov.c:pci_iov_sysfs_link).
    std::error_code error;
    function.is_virtual = fs::is_symlink(folder / "physfn", error);
    if (fs::exists(folder / "sriov_numvfs", error) || fs::is_symlink(folder / "virtfn0", error)) {
        function.virtual_functions = count_entries(folder, "virtfn");
    }
    function.boot_vga = int_attribute(folder / "boot_vga", 0) == 1;
    function.has_secondary = fs::exists(folder / "secondary_bus_number", error);
    function.reset_subordinate = fs::exists(folder / "reset_subordinate", error);
    return function;
}

/// `direct` is memory that the firmware goes on using (an RMRR); the kernel lets no guest own the
/// group (drivers/iommu/iommu.c:iommu_create_device_direct_mappings, require_direct).
/// `direct-relaxable`, a GPU's or a USB controller's, may be given.
bool has_reserved_memory(const fs::path& group) {
    std::istringstream lines(read_attribute(group / "reserved_regions").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        if (line.ends_with(" direct")) return true;
    }
    return false;
}

/// By the names that the IOMMU drivers give to their units (drivers/iommu: dmar0, ivhd0,
/// smmu3.0x…).
std::string read_iommu_kind(const Root& root) {
    if (entries(root.below("sys/kernel/iommu_groups")).empty()) return "none";
    for (const std::string& unit : entries(root.below("sys/class/iommu"))) {
        if (unit.starts_with("dmar")) return "intel";
        if (unit.starts_with("ivhd")) return "amd";
        if (unit.starts_with("smmu") || unit.starts_with("arm-smmu")) return "smmu";
        if (unit.starts_with("virtio")) return "virtio";
    }
    return "unknown";
}

std::vector<std::string> read_vfio_aliases(const Root& root) {
    utsname kernel{};
    uname(&kernel);
    std::vector<std::string> result;
    std::ifstream file(root.below(fmt::format("lib/modules/{}/modules.alias", kernel.release)));
    constexpr std::string_view prefix = "alias vfio_pci:";
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(prefix)) result.push_back(line.substr(prefix.size()));
    }
    return result;
}

}  // namespace

const Function* Inventory::find(const Bdf& bdf) const {
    const auto found = functions.find(bdf);
    return found == functions.end() ? nullptr : &found->second;
}

std::vector<const Function*> Inventory::group(int id) const {
    std::vector<const Function*> members;
    for (const auto& [bdf, function] : functions) {
        if (function.iommu_group == id) members.push_back(&function);
    }
    return members;
}

bool Inventory::leads(const Function& function) const {
    // With the header of a bridge it is one, whatever its class says.
    if (function.is_bridge() || left_out.contains(function.bdf)) return false;
    return function.is_gpu() || (function.is_accelerator() && asked_for.contains(function.bdf));
}

bool Inventory::tells_drivers() const {
    return std::ranges::any_of(functions,
                               [](const auto& item) { return item.second.driver.has_value(); });
}

Inventory read_inventory(const Root& root, Overrides overrides) {
    Inventory inventory;
    const fs::path devices = root.below("sys/bus/pci/devices");
    for (const std::string& name : entries(devices)) {
        if (const auto bdf = parse_bdf(name)) {
            inventory.functions.emplace(*bdf, read_function(*bdf, devices / name, overrides));
        }
    }
    inventory.iommu_kind = read_iommu_kind(root);
    for (const std::string& driver : entries(root.below("sys/bus/pci/drivers"))) {
        if (is_stub_driver(driver)) inventory.stub_drivers.push_back(driver);
    }
    inventory.vfio_aliases = read_vfio_aliases(root);
    inventory.platform = read_platform(root);
    const fs::path groups = root.below("sys/kernel/iommu_groups");
    for (const std::string& name : entries(groups)) {
        int id = 0;
        std::from_chars(name.data(), name.data() + name.size(), id);
        if (has_reserved_memory(groups / name)) inventory.reserved_groups.insert(id);
    }
    return inventory;
}

void reread(Inventory& inventory, const Root& root, const std::vector<Bdf>& functions,
            Overrides overrides) {
    for (const Bdf& bdf : functions) {
        const fs::path folder = root.below("sys/bus/pci/devices") / bdf.str();
        std::error_code error;
        if (fs::exists(folder, error)) {
            Function& function = inventory.functions[bdf];
            auto known = std::move(function.driver_override);
            function = read_function(bdf, folder, overrides);
            if (overrides == Overrides::LeaveAlone) function.driver_override = std::move(known);
        } else {
            inventory.functions.erase(bdf);
        }
    }
}

OverrideMap read_overrides(const Root& root, const std::vector<Bdf>& functions) {
    OverrideMap found;
    for (const Bdf& bdf : functions) {
        const fs::path folder = root.below("sys/bus/pci/devices") / bdf.str();
        std::error_code error;
        if (fs::exists(folder, error)) found[bdf] = read_override(folder);
    }
    return found;
}

std::string stub_driver_for(const Function& function, const Inventory& inventory) {
    std::string best = "vfio-pci";
    std::ptrdiff_t fewest = 1 << 20;
    // "pci:v000010DE…" is matched against "v000010DEd*…", the alias without its bus.
    constexpr std::string_view prefix = "pci:";
    const std::string& modalias = function.modalias;
    if (!modalias.starts_with(prefix)) return best;
    for (const std::string& alias : inventory.vfio_aliases) {
        const std::vector<std::string> parts = words(alias);
        if (parts.size() != 2) continue;
        if (fnmatch(parts[0].c_str(), modalias.c_str() + prefix.size(), 0) != 0) continue;
        const std::ptrdiff_t wildcards = std::ranges::count(parts[0], '*');
        if (wildcards >= fewest) continue;
        fewest = wildcards;
        // A driver has its module's name but for the dashes; the one that is loaded tells the real
        // spelling.
        best = parts[1] == "vfio_pci" ? "vfio-pci" : parts[1];
        for (const std::string& loaded : inventory.stub_drivers) {
            std::string as_module = loaded;
            std::ranges::replace(as_module, '-', '_');
            if (as_module == parts[1]) best = loaded;
        }
    }
    return best;
}

}  // namespace passthru
