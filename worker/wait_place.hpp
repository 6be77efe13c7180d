// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/sysfs.hpp"
#include "libpassthru/plan/plan_json.hpp"

namespace passthru {

/// Where in the kernel a process waits, innermost first: `msleep ← nv_pci_remove`; empty when it
/// cannot be told. The whole stack is for CAP_SYS_ADMIN only (fs/proc/base.c, proc_pid_stack), the
/// innermost function for who may trace the process (proc_pid_wchan).
[[nodiscard]] std::string wait_place(const Root& root, pid_t pid);

/// This process.
[[nodiscard]] WorkerProcess own_process();

}  // namespace passthru
