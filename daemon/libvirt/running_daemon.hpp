// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/sysfs.hpp"

#include <optional>
#include <string_view>
#include <sys/types.h>

namespace passthru {

/// The folder of the pid files, and their names: libvirtd has everything in one process, virtqemud
/// is the modular one.
inline constexpr std::string_view pid_file_folder = "run";
inline constexpr std::string_view pid_file_names[] = {"libvirtd.pid", "virtqemud.pid"};

/// The process id of the libvirt daemon that serves QEMU's domains; nothing when none runs. That is
/// asked of the lock that the daemon holds on the first byte of its pid file for all its life
/// (libvirt, src/util/virpidfile.c), so neither a file left by a crash nor a process id used again
/// deceives. 0 when the process is not visible from here.
[[nodiscard]] std::optional<pid_t> running_libvirt_daemon(const Root& root);

}  // namespace passthru
