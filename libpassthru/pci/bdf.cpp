// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/bdf.hpp"

#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <ostream>

namespace passthru {
namespace {

/// A hex number of `min` to `max` digits that makes up all of `text`.
std::optional<std::uint32_t> hex(std::string_view text, std::size_t min, std::size_t max) {
    if (text.size() < min || text.size() > max) return std::nullopt;
    std::uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

}  // namespace

std::string Bdf::str() const {
    return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", domain, bus, device, function);
}

std::string Bdf::path_element() const {
    return fmt::format("{:04x}_{:02x}_{:02x}_{:x}", domain, bus, device, function);
}

bool Bdf::same_slot(const Bdf& other) const {
    return domain == other.domain && bus == other.bus && device == other.device;
}

Result<Bdf> parse_bdf(std::string_view text) {
    // From the right, since only the domain's length varies: "DDDD" ":" "BB:DD.F".
    constexpr std::size_t tail = sizeof("BB:DD.F") - 1;
    if (text.size() >= tail + sizeof("DDDD:") - 1) {
        const std::string_view rest = text.substr(text.size() - tail);
        const std::string_view head = text.substr(0, text.size() - tail);
        if (head.back() == ':' && rest[2] == ':' && rest[5] == '.') {
            const auto domain = hex(head.substr(0, head.size() - 1), 4, 8);
            const auto bus = hex(rest.substr(0, 2), 2, 2);
            const auto device = hex(rest.substr(3, 2), 2, 2);
            const auto function = hex(rest.substr(6, 1), 1, 1);
            if (domain && bus && device && function && *device < 32 && *function < 8) {
                return Bdf{*domain, static_cast<std::uint8_t>(*bus),
                           static_cast<std::uint8_t>(*device),
                           static_cast<std::uint8_t>(*function)};
            }
        }
    }
    return fail(Errc::InvalidArgs,
                fmt::format("“{:.40}” is not a PCI address such as 0000:01:00.0", text));
}

Result<Bdf> parse_bdf_or_short(std::string_view text) {
    if (text.size() == sizeof("BB:DD.F") - 1) return parse_bdf(fmt::format("0000:{}", text));
    return parse_bdf(text);
}

void PrintTo(const Bdf& bdf, std::ostream* out) {
    *out << bdf.str();
}

}  // namespace passthru
