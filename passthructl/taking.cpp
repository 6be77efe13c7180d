// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/taking.hpp"

namespace passthru::ctl {

void append(sd_bus_message* message, const Taking& taking) {
    if (taking.wait) sd_bus_message_append(message, "{sv}", "wait", "u", *taking.wait);
    if (taking.queue) sd_bus_message_append(message, "{sv}", "queue", "u", *taking.queue);
    if (taking.overrides.empty()) return;
    sd_bus_message_open_container(message, 'e', "sv");
    sd_bus_message_append(message, "s", "override");
    sd_bus_message_open_container(message, 'v', "as");
    sd_bus_message_open_container(message, 'a', "s");
    for (const std::string& check : taking.overrides) {
        sd_bus_message_append(message, "s", check.c_str());
    }
    sd_bus_message_close_container(message);
    sd_bus_message_close_container(message);
    sd_bus_message_close_container(message);
}

}  // namespace passthru::ctl
