// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <cstdint>
#include <string_view>

namespace passthru {

/// The PCI Express link of a function: as it runs now, and the most that the function can do.
/// Speeds are in MT/s (8000 for PCIe 3.0), widths in lanes.
struct PcieLink {
    std::uint32_t speed = 0;
    std::uint32_t width = 0;
    std::uint32_t speed_max = 0;
    std::uint32_t width_max = 0;

    bool operator==(const PcieLink&) const = default;
};

/// The link of a function whose `power_state` says this. All zeros where there is no such link,
/// and while the function is not in D0: reading its link registers would wake the bridge above it
/// (drivers/pci/pci-sysfs.c, pci_config_pm_runtime_get). What the kernel does not know is zero.
[[nodiscard]] PcieLink read_pcie_link(const Root& root, const Bdf& bdf,
                                      std::string_view power_state);

}  // namespace passthru
