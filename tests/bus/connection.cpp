// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bus/connection.hpp"

#include <fmt/format.h>
#include <stdexcept>

namespace passthru::bus_test {

void require(int result, const char* what) {
    if (result < 0) throw std::runtime_error(fmt::format("{}: {}", what, result));
}

sd_bus* connect_to(const std::string& address) {
    sd_bus* bus = nullptr;
    require(sd_bus_new(&bus), "sd_bus_new");
    require(sd_bus_set_address(bus, address.c_str()), "sd_bus_set_address");
    require(sd_bus_set_bus_client(bus, 1), "sd_bus_set_bus_client");
    require(sd_bus_negotiate_fds(bus, 1), "sd_bus_negotiate_fds");
    require(sd_bus_start(bus), "sd_bus_start");
    return bus;
}

}  // namespace passthru::bus_test
