// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <systemd/sd-bus.h>
#include <vector>

namespace passthru::ctl {

/// How a GPU is taken from whoever has it.
struct Taking {
    std::optional<std::uint32_t> wait;   ///< seconds for programs to let go
    std::optional<std::uint32_t> queue;  ///< seconds for another owner's end
    std::vector<std::string> overrides;  ///< checks to pass over
};

/// Appends it to an open `a{sv}`.
void append(sd_bus_message* message, const Taking& taking);

}  // namespace passthru::ctl
