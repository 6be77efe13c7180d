// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <string>
#include <vector>

namespace passthru {

/// The device nodes through which these functions can be used while they are on a stub driver, as
/// they are called on the machine: `/dev/vfio/12` of each IOMMU group, and
/// `/dev/vfio/devices/vfio3` of each function where the kernel makes one (Linux 6.6 with
/// VFIO_DEVICE_CDEV).
[[nodiscard]] std::vector<std::string> vfio_nodes(const Root& root,
                                                  const std::vector<Bdf>& functions);

}  // namespace passthru
