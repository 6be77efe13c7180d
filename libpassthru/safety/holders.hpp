// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace passthru {

/// A process that has a device node of a function open.
struct Holder {
    pid_t pid = 0;
    uid_t uid = 0;
    std::string command;  ///< as in /proc/PID/comm
    std::string node;     ///< `/dev/dri/card1`
    Bdf function;

    bool operator==(const Holder&) const = default;
};

/// Every process that has a DRM, framebuffer, sound, I2C or VFIO node of these functions open, each
/// process once for each function. Seeing other users' descriptors takes CAP_SYS_PTRACE and
/// CAP_DAC_READ_SEARCH; what cannot be seen is not listed. PID 1 and systemd-logind are not listed:
/// they keep copies of the descriptors of sessions whose own processes are.
[[nodiscard]] std::vector<Holder> find_holders(const Root& root, const std::vector<Bdf>& functions);

/// `Xorg (pid 812, user alice), pipewire (pid 900, user alice)`.
[[nodiscard]] std::string describe(const std::vector<Holder>& holders);

}  // namespace passthru
