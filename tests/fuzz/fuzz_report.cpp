// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/plan_json.hpp"
#include "tests/fuzz/require.hpp"

#include <cstddef>
#include <cstdint>

/// What is taken for a report is exactly what writing that report makes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace passthru;
    using fuzz::require;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto report = report_from_text(text)) {
        require(report_from_text(report_to_text(*report)) == *report, "it means the same");
    } else {
        require(report.error().code == Errc::InvalidArgs, "it is refused by name");
    }
    return 0;
}
