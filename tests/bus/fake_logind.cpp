// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bus/fake_logind.hpp"

#include <stdexcept>

namespace passthru::bus_test {
namespace {

void require(int result, const char* what) {
    if (result < 0) throw std::runtime_error(what);
}

}  // namespace

FakeLogind::FakeLogind(const std::string& address) {
    require(sd_bus_new(&bus_), "sd_bus_new");
    require(sd_bus_set_address(bus_, address.c_str()), "sd_bus_set_address");
    require(sd_bus_set_bus_client(bus_, 1), "sd_bus_set_bus_client");
    require(sd_bus_start(bus_), "sd_bus_start");
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
