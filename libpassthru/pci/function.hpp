// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace passthru {

/// Vendor and device id, as in lspci's `[10de:13c2]`.
struct PciId {
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;

    auto operator<=>(const PciId&) const = default;
    [[nodiscard]] std::string str() const;
};

/// Base class and sub-class of a function: `0x0300` is a VGA controller (PCI Code and ID
/// Assignment, part 1).
using ClassCode = std::uint16_t;

/// One PCI function as sysfs shows it. Reading one never wakes a sleeping card: neither `config`
/// nor the link attributes are touched (both resume the parent bridge).
struct Function {
    Bdf bdf;
    std::optional<Bdf> parent;  ///< the bridge above it; none on a root bus
    PciId id;
    PciId subsystem;
    ClassCode class_code = 0;
    std::optional<int> iommu_group;
    std::optional<std::string> driver;
    std::optional<std::string> driver_override;
    std::vector<std::string> reset_methods;
    std::optional<std::string> power_control;   ///< `on` or `auto`
    std::optional<std::string> d3cold_allowed;  ///< `0` or `1`
    std::string power_state;                    ///< `D0` … `D3cold`, `unknown`
    std::string modalias;
    int numa_node = -1;
    int virtual_functions = 0;   ///< SR-IOV: how many are switched on below this one
    bool is_virtual = false;     ///< SR-IOV: is one itself
    int enable_count = 0;        ///< the kernel's users of it: on vfio-pci, a guest has it open
    bool boot_vga = false;       ///< the firmware's console was on it
    bool has_secondary = false;  ///< the kernel shows a secondary bus: header type 1 or 2
    /// A bridge that the kernel can ask to reset all that is below it (Linux 6.13, 6.1.192…).
    bool reset_subordinate = false;

    bool operator==(const Function&) const = default;

    /// A bridge to another bus; never moved, since the kernel needs it to reach what is behind.
    [[nodiscard]] bool is_bridge() const;
    /// What the platform puts beside real functions and nobody ever uses: host bridges and AMD's
    /// dummy functions.
    [[nodiscard]] bool is_furniture() const;
    /// A graphics or 3D controller, class 03xx.
    [[nodiscard]] bool is_gpu() const { return (class_code >> 8) == 0x03; }
    /// A GPU that can show a picture. A 3D controller (0302) has no outputs of its own (PCI Code
    /// and ID Assignment, 1.4).
    [[nodiscard]] bool is_display() const { return is_gpu() && class_code != 0x0302; }
    /// A processing accelerator, class 12xx: moved like a GPU where somebody asks for it by name.
    [[nodiscard]] bool is_accelerator() const { return (class_code >> 8) == 0x12; }
    [[nodiscard]] bool on_stub() const;
};

/// Can this be the kernel's name of a way to reset a function (Documentation/ABI/testing/
/// sysfs-bus-pci, reset_method)? The set is open: 1 to 32 of a–z, 0–9 and `_`.
[[nodiscard]] bool is_reset_method(std::string_view name);

/// No more reset methods than these are ever named for one function.
inline constexpr std::size_t max_reset_methods = 16;

/// What a person calls this class: `VGA controller`, `audio`, `USB controller`, `NVMe disk` …
[[nodiscard]] std::string_view class_name(ClassCode code);

void PrintTo(const Function& function, std::ostream* out);

}  // namespace passthru
