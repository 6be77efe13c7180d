// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/error.hpp"

#include <cstddef>
#include <string_view>

namespace passthru {

/// The most that a card's expansion ROM is read: the largest that an address can be given to (PCI
/// Local Bus 3.0, 6.2.5.2), in bytes.
inline constexpr std::size_t max_option_rom = std::size_t{16} << 20;

/// How many bytes at the beginning of `data` are the images of an expansion ROM, video BIOS and
/// others, up to the one that says that it is the last (PCI Firmware Specification 3.0, 5.1). A
/// card that says so of none is believed as far as its images go. Failed, with what is wrong, for
/// what does not begin with a whole image.
[[nodiscard]] Result<std::size_t> option_rom_length(std::string_view data);

}  // namespace passthru
