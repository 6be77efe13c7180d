// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/device_set.hpp"

namespace passthru {

/// Where a device set is, as sysfs shows it; never stored.
enum class SetState {
    Host,      ///< no function is on a stub driver
    Detached,  ///< the GPU and its companions are on a stub driver, and nobody uses them
    Guest,     ///< as Detached, and somebody has the VFIO device open
    Mixed,  ///< some are on a stub driver and some are not: half-moved by a crash or another tool
    Gone,   ///< a function is missing: unplugged
};

/// `host`, `detached`, `guest`, `mixed`, `gone`.
[[nodiscard]] std::string_view set_state_name(SetState state);

/// vfio-pci enables a function when its first user opens it and disables it after the last
/// (drivers/vfio/pci/vfio_pci_core.c:vfio_pci_core_enable), so the enable count tells a guest
/// without any right to look into other processes.
[[nodiscard]] SetState set_state(const DeviceSet& set, const Inventory& inventory);

}  // namespace passthru
