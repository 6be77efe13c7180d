// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/sysfs.hpp"

#include <cstdint>
#include <sys/types.h>

namespace passthru {

/// When a process was started, in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)).
/// Nothing when there is no such process.
[[nodiscard]] std::optional<std::uint64_t> start_time(const Root& root, pid_t pid);

}  // namespace passthru
