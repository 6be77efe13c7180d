// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/safety/holders.hpp"

#include <chrono>
#include <set>
#include <vector>

namespace passthru {

enum class WaitEnd { Changed, Interrupted, TimedOut };

/// Sleeps until one of these holders may have let go: it ended, or closed a descriptor of its node.
/// Also ends when `interrupt`, where it is a descriptor, becomes readable, or at the deadline.
/// `Changed` may be told too often, never too seldom: the caller looks again.
[[nodiscard]] WaitEnd wait_for_release(const Root& root, const std::vector<Holder>& holders,
                                       std::chrono::steady_clock::time_point deadline,
                                       int interrupt);

/// Asks the holders that belong to a login session to end, with SIGTERM, each once: `asked` has who
/// was. Takes CAP_KILL. System services and the session's own leader are left alone: who ends the
/// session decides that himself.
void ask_to_end(const std::vector<Holder>& holders, std::set<pid_t>& asked);

}  // namespace passthru
