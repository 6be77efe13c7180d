// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/function.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace passthru::fakes {

/// One function of a drawn machine, as the kernel finds it at boot.
struct FakeFunction {
    Bdf bdf;
    std::filesystem::path folder;  ///< below the tree: `sys/devices/pci0000:00/0000:00:01.0`
    std::uint32_t class_code = 0;  ///< with the programming interface: 0x030000
    PciId id;
    PciId subsystem;
    std::optional<int> group;
    std::optional<int> group_after_rescan;
    std::optional<std::string> driver;
    std::optional<std::string> driver_override;
    std::vector<std::string>
        matches;  ///< drivers that know this id, in the order that they registered
    std::vector<std::string> reset_methods;
    std::string power_control = "on";
    bool boot_vga = false;
    bool answers = true;

    [[nodiscard]] bool is_bridge() const {
        return (class_code >> 8) == 0x0604 || (class_code >> 8) == 0x0607;
    }
};

using World = std::vector<FakeFunction>;

/// Reads a machine drawn like the PCI tree, a function on each line, indented below its bridge:
///
///     00:01.0 0604 8086:460d group 1 driver pcieport
///       01:00.0 0300 10de:2489 group 1 driver nouveau
///
/// After address, class (four or six digits) and id may come, in any order: `group N`, `driver
/// NAME`, `override NAME`, `matches A,B` (else the driver), `reset flr,bus` or `reset none` (else
/// `flr bus` for an endpoint), `subsystem V:D`, `control auto`, `regroup N` (the group after remove
/// and rescan), and the single words `boot_vga` and `dead` (reads of config space give all ones).
/// Throws std::invalid_argument, naming the line.
[[nodiscard]] World parse_world(std::string_view drawing);

/// The function as a line that `parse_world` reads.
[[nodiscard]] std::string line_of(const FakeFunction& function);

/// A picture taken from a real machine may tell no driver for some functions. This gives them the
/// one that Linux would load by class and vendor, so that there is something to unbind.
void add_usual_drivers(World& world);

}  // namespace passthru::fakes
