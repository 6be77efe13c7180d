// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/hostdev/domain_xml.hpp"
#include "tests/fuzz/require.hpp"

#include <cstddef>
#include <cstdint>

/// A domain is read or refused by name, whatever the text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto request = passthru::parse_domain_xml(text);
    passthru::fuzz::require(request || request.error().code == passthru::Errc::InvalidArgs,
                            "it is refused by name");
    return 0;
}
