// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <systemd/sd-bus.h>

namespace passthru::bus_test {

/// Throws where sd-bus says that `what` went wrong.
void require(int result, const char* what);

/// A connection of its own, that may carry descriptors; sd_bus_close_unref() ends it.
[[nodiscard]] sd_bus* connect_to(const std::string& address);

}  // namespace passthru::bus_test
