// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/option_rom.hpp"
#include "tests/fuzz/require.hpp"

#include <cstdint>

/// What is taken for images are whole blocks of what came, and the same when they come alone.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace passthru;
    using fuzz::require;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto length = option_rom_length(text);
    if (!length) {
        require(length.error().code == Errc::Failed, "it is refused by name");
        return 0;
    }
    require(*length > 0 && *length <= size && *length % 512 == 0, "it is a part of what came");
    require(option_rom_length(text.substr(0, *length)) == *length, "it is whole");
    return 0;
}
