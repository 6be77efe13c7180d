// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bus/fake_logind.hpp"

#include "tests/bus/connection.hpp"

namespace passthru::bus_test {

FakeLogind::FakeLogind(const std::string& address) : bus_(connect_to(address)) {
    require(sd_bus_request_name(bus_, "org.freedesktop.login1", 0), "sd_bus_request_name");
}

FakeLogind::~FakeLogind() {
    sd_bus_close_unref(bus_);
}

void FakeLogind::say(int begins) {
    require(sd_bus_emit_signal(bus_, "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
                               "PrepareForSleep", "b", begins),
            "PrepareForSleep");
    // The answer tells that the bus has passed the signal on.
    require(sd_bus_call_method(bus_, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                               "org.freedesktop.DBus", "GetId", nullptr, nullptr, ""),
            "GetId");
}

}  // namespace passthru::bus_test
