// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/function.hpp"

#include <array>
#include <optional>

namespace passthru {

/// The part of config space that everybody may read (PCI Local Bus 3.0, 6.1).
struct ConfigHeader {
    std::array<std::uint8_t, 64> bytes{};

    [[nodiscard]] std::uint16_t word(std::size_t at) const {
        return static_cast<std::uint16_t>(bytes[at] | (bytes[at + 1] << 8));
    }
    [[nodiscard]] std::uint32_t long_word(std::size_t at) const {
        return static_cast<std::uint32_t>(word(at)) |
               (static_cast<std::uint32_t>(word(at + 2)) << 16);
    }
    [[nodiscard]] PciId id() const { return {word(0), word(2)}; }
    [[nodiscard]] std::uint8_t type() const { return bytes[0x0e] & 0x7f; }
    /// All ones is what a read of an absent or powered-off function gives.
    [[nodiscard]] bool answers() const { return word(4) != 0xffff || word(6) != 0xffff; }
};

/// Reads it from the open folder of a function, which wakes a sleeping one; nothing when it cannot
/// be read whole.
[[nodiscard]] std::optional<ConfigHeader> read_config(int folder);

/// Does the function whose folder is open answer, as the device that it was known for?
/// NotResponding, with what to do, when it does not.
[[nodiscard]] Result<void> check_answer(int folder, const Bdf& bdf, const PciId& id);

/// NotResponding: there is no such function any more.
[[nodiscard]] std::unexpected<Error> gone(const Bdf& bdf, int errnum);

}  // namespace passthru
