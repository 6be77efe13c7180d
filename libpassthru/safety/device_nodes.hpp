// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace passthru {

/// A file below /dev through which programs reach a function.
struct DeviceNode {
    Bdf function;
    dev_t number = 0;
    std::string path;  ///< `/dev/dri/card1`; empty when the kernel gives it no name

    bool operator==(const DeviceNode&) const = default;
};

/// The nodes of these functions, in the order of `functions` and for each of them by name: DRM,
/// framebuffer, sound, I2C (also the buses below a connector), VFIO (the group's and the device's
/// own) and NVIDIA's `/dev/nvidiaN`. A VFIO group's node is there once for each function of the
/// group that is asked for. Not there is what many GPUs share, because having it open says nothing
/// of one of them: `nvidiactl`, `nvidia-modeset`, `nvidia-uvm`, `kfd`, `/dev/snd/seq`.
///
/// Reads sysfs (Documentation/admin-guide/devices.txt: `dev` and `uevent` of a class device) and
/// `/proc/driver/nvidia/gpus/BDF/information` (NVIDIA/open-gpu-kernel-modules:
/// kernel-open/nvidia/nv-procfs.c, the line `Device Minor: \t 0`).
[[nodiscard]] std::vector<DeviceNode> device_nodes(const Root& root,
                                                   const std::vector<Bdf>& functions);

/// Is it a node through which a guest has the function?
[[nodiscard]] bool is_vfio_node(const DeviceNode& node);

/// Is it `/dev/fbN`?
[[nodiscard]] bool is_framebuffer_node(const DeviceNode& node);

}  // namespace passthru
