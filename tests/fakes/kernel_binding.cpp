// SPDX-License-Identifier: LGPL-2.1-or-later
// The part of KernelTree that binds, unbinds and resets.
#include "libpassthru/pci/sysfs.hpp"
#include "tests/fakes/kernel_tree.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/ranges.h>
#include <sstream>
#include <unistd.h>

namespace passthru::fakes {
namespace {

namespace fs = std::filesystem;

const fs::path drivers = "sys/bus/pci/drivers";

bool alone_on_bus(const fs::path& folder) {
    int functions = 0;
    for (const auto& entry : fs::directory_iterator(folder.parent_path())) {
        if (parse_bdf(entry.path().filename().string())) ++functions;
    }
    return functions == 1;
}

}  // namespace

int KernelTree::probe(const Bdf& bdf) const {
    if (driver_of(bdf)) return 0;
    std::vector<std::string> candidates = drawn(bdf).matches;
    const std::string chosen = read_attribute(folder(bdf) / "driver_override").value_or("(null)");
    if (chosen != "(null)") candidates = {chosen};
    for (const std::string& driver : candidates) {
        if (!fs::exists(tree_ / drivers / driver)) continue;
        return bind(bdf, driver) == 0 ? 0 : EINVAL;
    }
    return 0;  // nothing matched, and that is a success
}

int KernelTree::bind(const Bdf& bdf, const std::string& driver) const {
    if (driver_of(bdf)) return EBUSY;
    const std::string chosen = read_attribute(folder(bdf) / "driver_override").value_or("(null)");
    const FakeFunction function = drawn(bdf);
    const bool knows = std::ranges::find(function.matches, driver) != function.matches.end();
    if (chosen != "(null)" ? chosen != driver : !knows) return ENODEV;
    if (is_stub_driver(driver)) {
        if (function.is_bridge()) return EINVAL;
    } else {
        if (!knows)
            return ENODEV;  // matched by its override only; its probe finds no card of its own
        if (driver != "pcieport" && group_is_owned(bdf)) return EBUSY;
    }
    attach(bdf, driver);
    return 0;
}

void KernelTree::attach(const Bdf& bdf, const std::string& driver) const {
    load_driver(driver);
    const fs::path folder = this->folder(bdf).lexically_relative(tree_);
    link(folder / "driver", drivers / driver);
    link(drivers / driver / bdf.str(), folder);
    const bool stub = is_stub_driver(driver);
    // An idle function on vfio-pci is disabled and sleeps (vfio_pci_core_register_device).
    put(tree_ / folder / "enable", stub ? "0\n" : "1\n");
    put(tree_ / folder / "power_state", stub ? "D3hot\n" : "D0\n");
    if (stub) put(tree_ / folder / "power/control", "auto\n");
    add_nodes(bdf, driver);
}

int KernelTree::unbind(const Bdf& bdf) const {
    const auto driver = driver_of(bdf);
    if (!driver) return ENODEV;
    const fs::path folder = this->folder(bdf);
    // vfio-pci lets go when its last user has closed, and not before.
    while (is_stub_driver(*driver) && read_attribute(folder / "enable") == "1") ::usleep(2000);
    fs::remove(folder / "driver");
    fs::remove(tree_ / drivers / *driver / bdf.str());
    remove_nodes(bdf, *driver);
    put(folder / "enable", "0\n");
    put(folder / "power_state", "unknown\n");  // drivers/pci/pci-driver.c:pci_device_remove
    if (is_stub_driver(*driver)) put(folder / "power/control", "on\n");  // pm_runtime_forbid
    return 0;
}

int KernelTree::reset(const Bdf& bdf) const {
    const fs::path folder = this->folder(bdf);
    const auto driver = driver_of(bdf);
    if (driver && !is_stub_driver(*driver)) {
        accident(fmt::format("reset of {} under its driver {}", bdf.str(), *driver));
    }
    std::istringstream methods(read_attribute(folder / "reset_method").value_or(""));
    for (std::string method; methods >> method;) {
        if (method == "bus" && !alone_on_bus(folder)) continue;  // pci.c:pci_parent_bus_reset
        return 0;
    }
    return ENOTTY;
}

int KernelTree::set_reset_method(const Bdf& bdf, std::string_view methods) const {
    const std::vector<std::string> known = drawn(bdf).reset_methods;
    std::istringstream stream{std::string(methods)};
    std::vector<std::string> chosen;
    for (std::string word; stream >> word;) chosen.push_back(word);
    if (chosen == std::vector<std::string>{"default"}) chosen = known;
    for (const std::string& method : chosen) {
        if (std::ranges::find(known, method) == known.end()) return EINVAL;
    }
    put(folder(bdf) / "reset_method", fmt::format("{}\n", fmt::join(chosen, " ")));
    return 0;
}

}  // namespace passthru::fakes
