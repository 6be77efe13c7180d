// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/findings_json.hpp"
#include "tests/fuzz/require.hpp"

#include <cstddef>
#include <cstdint>

namespace {

using namespace passthru;
using fuzz::require;

/// Overrides, and the request for them, mean the same after another trip.
void read_as_overrides(std::string_view text) {
    if (const auto overrides = overrides_from_text(text)) {
        require(overrides_from_text(overrides_to_text(*overrides)) == *overrides,
                "it means the same");
    } else {
        require(overrides.error().code == Errc::InvalidArgs, "it is refused by name");
    }
    const auto request = override_request_from_text(text);
    if (!request) return;
    if (*request) {
        require(override_request_from_text(override_request_to_text(**request)) == request,
                "the request means the same");
    } else {
        require(request->error().code == Errc::InvalidArgs, "the request is refused by name");
    }
}

/// So does a request for an expansion ROM.
void read_as_rom_request(std::string_view text) {
    const auto request = rom_request_from_text(text);
    if (!request) return;
    require(*request ? rom_request_from_text(rom_request_to_text(**request)) == request
                     : request->error().code == Errc::InvalidArgs,
            "the request means the same, or is refused by name");
}

}  // namespace

/// Findings, and the request for them, mean the same after another trip.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read_as_overrides(text);
    read_as_rom_request(text);
    if (const auto findings = findings_from_text(text)) {
        require(findings_from_text(findings_to_text(*findings)) == *findings, "it means the same");
    } else {
        require(findings.error().code == Errc::InvalidArgs, "it is refused by name");
    }
    const auto request = inspection_from_text(text);
    if (!request) return 0;
    if (*request) {
        require(inspection_from_text(inspection_to_text(**request)) == request,
                "the request means the same");
    } else {
        require(request->error().code == Errc::InvalidArgs, "the request is refused by name");
    }
    return 0;
}
