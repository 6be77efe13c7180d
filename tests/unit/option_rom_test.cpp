// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/option_rom.hpp"

#include "tests/fakes/option_rom.hpp"

#include <gmock/gmock.h>

namespace passthru {
namespace {

using fakes::rom_image;
using testing::HasSubstr;

TEST(AnOptionRom, EndsWithTheImageThatSaysSo) {
    EXPECT_EQ(option_rom_length(rom_image(4, true)), 2048U);
    EXPECT_EQ(option_rom_length(rom_image(4, true) + std::string(9000, '\xff')), 2048U);
    EXPECT_EQ(option_rom_length(rom_image(4, false) + rom_image(300, true) + "more"), 304U * 512);
}

TEST(AnOptionRom, OfWhichNoImageIsTheLastGoesAsFarAsItsImages) {
    EXPECT_EQ(option_rom_length(rom_image(4, false)), 2048U);
    EXPECT_EQ(option_rom_length(rom_image(4, false) + std::string(9000, '\xff')), 2048U);
    const std::string cut = rom_image(2, true).substr(0, 1000);
    EXPECT_EQ(option_rom_length(rom_image(4, false) + cut), 2048U);
}

TEST(AnOptionRom, BeginsWithAWholeImage) {
    const std::string image = rom_image(4, true);
    std::string no_structure = image;
    no_structure[0x40] = 'X';
    std::string no_length = image;
    no_length[0x50] = 0;
    std::string far = image;
    far[0x19] = '\xff';
    std::string structure_beyond = rom_image(4, true);
    structure_beyond[0x19] = 2;
    structure_beyond.replace(0x240, 0x18, image, 0x40, 0x18);
    structure_beyond[0x250] = 1;
    for (const std::string& data :
         {structure_beyond, std::string(), std::string("\x55\xaa"), std::string(2048, '\xff'),
          std::string(2048, 0), image.substr(0, 2047), image.substr(1), no_structure, no_length,
          far}) {
        const auto length = option_rom_length(data);
        ASSERT_FALSE(length) << data.size();
        EXPECT_EQ(length.error().code, Errc::Failed);
        EXPECT_THAT(length.error().message, HasSubstr("no expansion ROM"));
    }
}

}  // namespace
}  // namespace passthru
