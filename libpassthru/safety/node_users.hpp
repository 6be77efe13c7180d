// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/safety/device_nodes.hpp"

#include <cstddef>
#include <sys/types.h>
#include <vector>

namespace passthru {

/// A process that has device nodes open, or mapped into its memory.
struct NodeUser {
    pid_t pid = 0;
    std::vector<std::size_t> nodes;  ///< indices into what was asked for, ascending, each once

    bool operator==(const NodeUser&) const = default;
};

/// Every process that uses one of these nodes, by pid. Found are open descriptors, by the number of
/// the node, which stays right for a deleted node and inside another mount namespace; and mappings
/// that outlive their descriptor (mmap(2): closing does not unmap), by path.
///
/// One walk through /proc; nothing is remembered between two. Other users' processes take
/// CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH; what cannot be seen is not found, nor is what a single
/// thread has for itself (unshare(2), CLONE_FILES). Never waits for a file server; a mapping list
/// waits while its process is changing its memory (fs/proc/task_mmu.c:m_start takes mmap_lock).
[[nodiscard]] std::vector<NodeUser> find_node_users(const Root& root,
                                                    const std::vector<DeviceNode>& nodes);

}  // namespace passthru
