// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <vector>

namespace passthru {

/// Resets the bus that these functions are on, through the first of them. All functions of that bus
/// have to be on vfio-pci and in the groups of these, and nobody may have one open; the kernel
/// checks both (drivers/vfio/pci/vfio_pci_core.c, vfio_pci_ioctl_pci_hot_reset). 0 or errno.
[[nodiscard]] int vfio_hot_reset(const Root& root, const std::vector<Bdf>& functions);

}  // namespace passthru
