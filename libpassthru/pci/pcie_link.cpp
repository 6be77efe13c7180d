// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/pcie_link.hpp"

#include <charconv>
#include <cmath>
#include <fcntl.h>
#include <unistd.h>

namespace passthru {
namespace {

std::string attribute(int folder, const char* name) {
    return read_attribute_at(folder, name).value_or("");
}

/// Of `8.0 GT/s PCIe`, or `Unknown` (drivers/pci/probe.c, pci_speed_string).
std::uint32_t speed_in(std::string_view text) {
    double gigatransfers = 0;
    const auto [stop, error] =
        std::from_chars(text.data(), text.data() + text.size(), gigatransfers);
    const bool known = error == std::errc{} && gigatransfers > 0 && gigatransfers < 1000 &&
                       std::string_view(stop, text.data() + text.size()).starts_with(" GT/s");
    return known ? static_cast<std::uint32_t>(std::lround(gigatransfers * 1000)) : 0;
}

/// The kernel prints the register's field as it is: 63 or 255 where nothing answered.
std::uint32_t width_in(std::string_view text) {
    constexpr std::uint32_t most_lanes = 32;
    std::uint32_t lanes = 0;
    std::from_chars(text.data(), text.data() + text.size(), lanes);
    return lanes <= most_lanes ? lanes : 0;
}

}  // namespace

PcieLink read_pcie_link(const Root& root, const Bdf& bdf, std::string_view power_state) {
    if (power_state != "D0") return {};
    // The way there is longer than the four files: one who lists all GPUs notices.
    const auto path = root.below("sys/bus/pci/devices") / bdf.str();
    const int folder = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return {};
    const PcieLink link{speed_in(attribute(folder, "current_link_speed")),
                        width_in(attribute(folder, "current_link_width")),
                        speed_in(attribute(folder, "max_link_speed")),
                        width_in(attribute(folder, "max_link_width"))};
    ::close(folder);
    return link;
}

}  // namespace passthru
