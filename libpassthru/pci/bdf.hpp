// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/error.hpp"

#include <compare>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace passthru {

/// Address of one PCI function, written `DDDD:BB:DD.F`. The domain has at least four hex digits and
/// up to eight: Intel VMD and Hyper-V make domains above 0xffff (drivers/pci/controller/vmd.c).
struct Bdf {
    std::uint32_t domain = 0;
    std::uint8_t bus = 0;
    std::uint8_t device = 0;    ///< 0–31
    std::uint8_t function = 0;  ///< 0–7

    auto operator<=>(const Bdf&) const = default;

    /// The kernel's spelling, lower case: `0000:01:00.0`.
    [[nodiscard]] std::string str() const;

    /// For D-Bus object paths and file names: `0000_01_00_0`.
    [[nodiscard]] std::string path_element() const;

    /// Do both functions sit in the same slot, that is on one card?
    [[nodiscard]] bool same_slot(const Bdf& other) const;
};

/// Reads a full address, `0000:01:00.0`, in either case. InvalidArgs for anything else.
[[nodiscard]] Result<Bdf> parse_bdf(std::string_view text);

/// As `parse_bdf`, and also the short form `01:00.0` that lspci prints, which means domain 0.
[[nodiscard]] Result<Bdf> parse_bdf_or_short(std::string_view text);

void PrintTo(const Bdf& bdf, std::ostream* out);

}  // namespace passthru
