// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/world.hpp"

#include "libpassthru/pci/sysfs.hpp"

#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sstream>
#include <stdexcept>

namespace passthru::fakes {
namespace {

[[noreturn]] void bad_line(std::string_view line, std::string_view why) {
    throw std::invalid_argument(fmt::format("{}: “{}”", why, line));
}

std::uint32_t number(std::string_view text, int base, std::string_view line) {
    std::uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    if (error != std::errc{} || stop != end) bad_line(line, fmt::format("“{}” is no number", text));
    return value;
}

PciId id_of(std::string_view text, std::string_view line) {
    if (text.size() != 9 || text[4] != ':') bad_line(line, fmt::format("“{}” is no id", text));
    return {static_cast<std::uint16_t>(number(text.substr(0, 4), 16, line)),
            static_cast<std::uint16_t>(number(text.substr(5), 16, line))};
}

std::vector<std::string> split(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> parts;
    for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
    return parts;
}

void read_option(FakeFunction& function, const std::string& key, std::istringstream& words,
                 std::string_view line) {
    if (key == "boot_vga") {
        function.boot_vga = true;
        return;
    }
    if (key == "dead") {
        function.answers = false;
        return;
    }
    std::string value;
    if (!(words >> value)) bad_line(line, fmt::format("“{}” wants a value", key));
    if (key == "group") {
        function.group = static_cast<int>(number(value, 10, line));
    } else if (key == "regroup") {
        function.group_after_rescan = static_cast<int>(number(value, 10, line));
    } else if (key == "driver") {
        function.driver = value;
    } else if (key == "override") {
        function.driver_override = value;
    } else if (key == "matches") {
        function.matches = split(value);
    } else if (key == "reset") {
        function.reset_methods = value == "none" ? std::vector<std::string>{} : split(value);
    } else if (key == "subsystem") {
        function.subsystem = id_of(value, line);
    } else if (key == "control") {
        function.power_control = value;
    } else {
        bad_line(line, fmt::format("“{}” is not known", key));
    }
}

FakeFunction read_line(const std::string& line) {
    std::istringstream words(line);
    std::string address;
    std::string class_code;
    std::string id;
    if (!(words >> address >> class_code >> id)) bad_line(line, "address, class and id are wanted");
    const auto bdf = parse_bdf_or_short(address);
    if (!bdf) bad_line(line, bdf.error().message);
    FakeFunction function;
    function.bdf = *bdf;
    function.class_code = number(class_code, 16, line);
    if (class_code.size() == 4) function.class_code <<= 8;
    function.id = id_of(id, line);
    const bool endpoint = (function.class_code >> 16) != 0x06;
    if (endpoint) function.reset_methods = {"flr", "bus"};
    for (std::string key; words >> key;) read_option(function, key, words, line);
    // Who sits on a stub by an override would be somewhere else without it, but nobody knows where.
    const bool by_override =
        function.driver == function.driver_override && is_stub_driver(function.driver.value_or(""));
    if (function.matches.empty() && function.driver && !by_override)
        function.matches = {*function.driver};
    return function;
}

std::filesystem::path host_bridge_folder(const Bdf& bdf) {
    return fmt::format("sys/devices/pci{:04x}:{:02x}", bdf.domain, bdf.bus);
}

std::optional<std::string> usual_driver(const FakeFunction& function) {
    switch (function.class_code >> 8) {
        case 0x0106: return "ahci";
        case 0x0108: return "nvme";
        case 0x0200: return function.id.vendor == 0x10ec ? "r8169" : "igb";
        case 0x0280: return "iwlwifi";
        case 0x0403: return "snd_hda_intel";
        case 0x0601: return "lpc_ich";
        case 0x0604: return "pcieport";
        case 0x0c03: return "xhci_hcd";
        case 0x0c05: return "i801_smbus";
        case 0x1080: return "ccp";
        default: break;
    }
    if ((function.class_code >> 16) != 0x03) return std::nullopt;
    switch (function.id.vendor) {
        case 0x1002: return "amdgpu";
        case 0x10de: return "nouveau";
        case 0x8086: return "i915";
        default: return "simpledrm";
    }
}

}  // namespace

World parse_world(std::string_view drawing) {
    World world;
    struct Level {
        std::size_t indent;
        std::filesystem::path folder;
    };
    std::vector<Level> above;
    std::istringstream lines{std::string(drawing)};
    for (std::string line; std::getline(lines, line);) {
        const std::size_t indent = line.find_first_not_of(" \t");
        if (indent == std::string::npos) continue;
        FakeFunction function = read_line(line);
        while (!above.empty() && above.back().indent >= indent) above.pop_back();
        const auto parent = above.empty() ? host_bridge_folder(function.bdf) : above.back().folder;
        function.folder = parent / function.bdf.str();
        if (function.is_bridge()) above.push_back({indent, function.folder});
        world.push_back(std::move(function));
    }
    return world;
}

std::string line_of(const FakeFunction& function) {
    std::string line = fmt::format(
        "{} {:06x} {} subsystem {} control {} reset {}", function.bdf.str(), function.class_code,
        function.id.str(), function.subsystem.str(), function.power_control,
        function.reset_methods.empty() ? "none"
                                       : fmt::format("{}", fmt::join(function.reset_methods, ",")));
    if (function.group) line += fmt::format(" group {}", *function.group);
    if (function.group_after_rescan)
        line += fmt::format(" regroup {}", *function.group_after_rescan);
    if (function.driver) line += fmt::format(" driver {}", *function.driver);
    if (function.driver_override) line += fmt::format(" override {}", *function.driver_override);
    if (!function.matches.empty())
        line += fmt::format(" matches {}", fmt::join(function.matches, ","));
    if (function.boot_vga) line += " boot_vga";
    if (!function.answers) line += " dead";
    return line;
}

void add_usual_drivers(World& world) {
    for (FakeFunction& function : world) {
        if (function.driver) continue;
        function.driver = usual_driver(function);
        if (function.driver) function.matches = {*function.driver};
    }
}

}  // namespace passthru::fakes
