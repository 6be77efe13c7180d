// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/option_rom.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <optional>

namespace passthru {
namespace {

constexpr std::size_t block = 512;

std::size_t byte_at(std::string_view data, std::size_t at) {
    return static_cast<std::uint8_t>(data[at]);
}

std::size_t word_at(std::string_view data, std::size_t at) {
    return byte_at(data, at) | (byte_at(data, at + 1) << 8);
}

struct Image {
    std::size_t length = 0;  ///< bytes
    bool last = false;
};

/// The image at the beginning of `data`; nothing when there is no whole one.
std::optional<Image> image_of(std::string_view data) {
    constexpr std::size_t header_length = 0x1a;
    constexpr std::size_t structure_length = 0x18;
    constexpr std::size_t where_structure = 0x18;
    constexpr std::size_t where_length = 0x10;
    constexpr std::size_t where_indicator = 0x15;
    if (data.size() < header_length || !data.starts_with("\x55\xaa")) return std::nullopt;
    const std::size_t structure = word_at(data, where_structure);
    if (data.size() < structure + structure_length) return std::nullopt;
    if (data.substr(structure, 4) != "PCIR") return std::nullopt;
    const Image image{word_at(data, structure + where_length) * block,
                      (byte_at(data, structure + where_indicator) & 0x80) != 0};
    if (image.length < structure + structure_length || image.length > data.size()) {
        return std::nullopt;
    }
    return image;
}

}  // namespace

Result<std::size_t> option_rom_length(std::string_view data) {
    std::size_t length = 0;
    while (const auto image = image_of(data.substr(length))) {
        length += image->length;
        if (image->last) break;
    }
    if (length > 0) return length;
    return fail(Errc::Failed,
                fmt::format("{} bytes came that are no expansion ROM: a card shows its own only "
                            "while it is awake and nothing else has used it since it was reset",
                            data.size()));
}

}  // namespace passthru
