// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/sysfs.hpp"

#include <string>
#include <sys/types.h>

namespace passthru {

/// Where systemd keeps a process: what a person stops, or logs out of, to end it.
struct ProcessPlace {
    std::string unit;  ///< `nvidia-persistenced.service`, `app-gnome-firefox-123.scope`, or empty
    std::string session;  ///< `2`, or empty outside of any login session

    bool operator==(const ProcessPlace&) const = default;
};

/// From /proc/PID/cgroup, whose names are systemd's (systemd v252, src/basic/cgroup-util.c:
/// cg_path_get_unit, cg_path_get_user_unit, cg_path_get_session): the unit of the user's own
/// systemd where there is one, else the system's. A program of a user's systemd belongs to no
/// session by its cgroup; it gets the session of that user's desktop. Both empty when the process
/// is gone or systemd does not run.
[[nodiscard]] ProcessPlace place_of(const Root& root, pid_t pid);

}  // namespace passthru
