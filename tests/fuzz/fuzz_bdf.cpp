// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/bdf.hpp"
#include "tests/fuzz/require.hpp"

#include <cstddef>
#include <cstdint>

/// What is taken for an address is written as an address that means the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using passthru::fuzz::require;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto bdf = passthru::parse_bdf(text);
    const auto lenient = passthru::parse_bdf_or_short(text);
    require(!bdf || lenient == bdf, "both readers agree on a full address");
    if (!lenient) {
        require(lenient.error().code == passthru::Errc::InvalidArgs, "it is refused by name");
        return 0;
    }
    require(lenient->device < 32 && lenient->function < 8, "the parts are in their range");
    require(passthru::parse_bdf(lenient->str()) == *lenient, "it is read as it was written");
    require(lenient->path_element().find_first_of(":./") == std::string::npos, "it is one word");
    return 0;
}
