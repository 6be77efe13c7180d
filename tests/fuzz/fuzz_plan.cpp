// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/plan_json.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

/// What is taken for a plan is exactly what writing that plan makes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto plan = passthru::plan_from_text(text);
    if (plan && passthru::plan_from_text(passthru::plan_to_text(*plan)) != *plan) std::abort();
    const auto report = passthru::report_from_text(text);
    if (report && passthru::report_from_text(passthru::report_to_text(*report)) != *report)
        std::abort();
    return 0;
}
