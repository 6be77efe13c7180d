// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <string>

namespace passthru::fakes {

/// An image of an expansion ROM: so many blocks of 512 bytes, and whether it says that it is the
/// last.
inline std::string rom_image(std::size_t blocks, bool last) {
    std::string image(blocks * 512, '\x5a');
    image.replace(0, 2, "\x55\xaa");
    image[0x18] = 0x40;
    image[0x19] = 0;
    image.replace(0x40, 4, "PCIR");
    image[0x50] = static_cast<char>(blocks & 0xff);
    image[0x51] = static_cast<char>(blocks >> 8);
    image[0x55] = static_cast<char>(last ? 0x80 : 0);
    return image;
}

}  // namespace passthru::fakes
