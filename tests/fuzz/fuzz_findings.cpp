// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/findings_json.hpp"
#include "tests/fuzz/require.hpp"

#include <cstddef>
#include <cstdint>

/// Findings, and the request for them, mean the same after another trip.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace passthru;
    using fuzz::require;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
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
