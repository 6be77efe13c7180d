// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/error.hpp"

#include <string>

namespace passthru {

/// Stops a service through systemd on the system bus and waits for its end: TimedOut after
/// `time_to_stop_a_service`, Cancelled when `interrupt`, where it is a descriptor, becomes
/// readable, Failed where something starts it meanwhile. A service that does not run, or that no
/// unit is of, is stopped. PID 1 asks polkit nothing where root calls (systemd v252,
/// src/libsystemd/sd-bus/bus-convenience.c, sd_bus_query_sender_privilege).
[[nodiscard]] Result<void> stop_service(const std::string& service, int interrupt);

/// Asks systemd to start a service, and does not wait until it runs.
[[nodiscard]] Result<void> start_service(const std::string& service);

}  // namespace passthru
