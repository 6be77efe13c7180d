// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/plan_json.hpp"
#include "libpassthru/plan/undo.hpp"
#include "tests/fuzz/require.hpp"

#include <cstddef>
#include <cstdint>

/// What is taken for a plan is exactly what writing that plan makes, and so is its undo.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace passthru;
    using fuzz::require;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto plan = plan_from_text(text);
    if (!plan) {
        require(plan.error().code == Errc::InvalidArgs, "it is refused by name");
        return 0;
    }
    require(plan_from_text(plan_to_text(*plan)) == *plan, "it means the same");
    for (std::size_t done = 0; done <= plan->steps.size() && done < 8; ++done) {
        const Plan back = undo(*plan, done);
        require(plan_from_text(plan_to_text(back)) == back, "its undo is a plan as well");
    }
    return 0;
}
