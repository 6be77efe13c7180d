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
        has_reset(bdf, method);
        return 0;
    }
    return ENOTTY;
}

int KernelTree::hot_reset(const std::vector<Bdf>& functions) const {
    for (const Bdf& bdf : functions) {
        if (folder(bdf).empty()) return ENODEV;
    }
    const fs::path bus = folder(functions.front()).parent_path();
    for (const auto& entry : fs::directory_iterator(bus)) {
        const auto bdf = parse_bdf(entry.path().filename().string());
        if (bdf && !is_stub_driver(driver_of(*bdf).value_or(""))) return EINVAL;
    }
    for (const Bdf& bdf : functions) has_reset(bdf, "bus");
    return 0;
}

void KernelTree::sleep() const {
    for (const auto& entry : fs::directory_iterator(tree_ / "sys/bus/pci/devices")) {
        has_reset(parse_bdf(entry.path().filename().string()).value(), "suspend");
    }
}

/// What FakeKernel::plan_reset_effect says comes of it.
void KernelTree::has_reset(const Bdf& bdf, const std::string& method) const {
    const auto effect =
        read_attribute(tree_ / "fake/reset-effects" / fmt::format("{}@{}", method, bdf.str()));
    add_line("fake/resets", fmt::format("{} {}", method, bdf.str()));
    if (!effect) return;
    FakeFunction function = drawn(bdf);
    function.answers = *effect != "dies";
    put(folder(bdf) / "config", config_of(function));
    if (*effect == "sleeps") {
        fs::create_directories(tree_ / "fake/asleep");
        put(tree_ / "fake/asleep" / bdf.str(), "");
        put(folder(bdf) / "power_state", "D3hot\n");
    }
}

/// pm_runtime_forbid wakes, and on vfio-pci nobody keeps an idle function awake.
void KernelTree::set_power_control(const Bdf& bdf, const std::string& value) const {
    put(folder(bdf) / "power/control", value + "\n");
    if (!is_stub_driver(driver_of(bdf).value_or("")) ||
        fs::exists(tree_ / "fake/asleep" / bdf.str()))
        return;
    put(folder(bdf) / "power_state", value == "on" ? "D0\n" : "D3hot\n");
}

int KernelTree::set_reset_method(const Bdf& bdf, std::string_view methods) const {
    std::vector<std::string> known = drawn(bdf).reset_methods;
    if (methods != "default" && fs::exists(tree_ / "fake/device-specific" / bdf.str())) {
        known.emplace_back("device_specific");
    }
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
