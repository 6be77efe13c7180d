// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/device_set.hpp"
#include "libpassthru/plan/detach_plan.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace passthru {

/// The detach of the set for somebody who lists these functions, whatever the host shows on it.
[[nodiscard]] Result<DetachPlan> plan_for(const DeviceSet& set, const std::vector<Bdf>& wanted,
                                          const Inventory& inventory);

/// How far a plan came.
struct Ran {
    std::size_t done = 0;
    std::optional<Error> error;

    [[nodiscard]] bool finished() const { return !error; }
};

/// Runs the plan on the fake machine with the real executor.
Ran run(const fakes::FakeKernel& kernel, const Plan& plan);

/// The first steps of a plan, as a process leaves them that is killed there.
[[nodiscard]] Plan first_steps(const Plan& plan, std::size_t count);

/// The device set that holds this function. Throws std::logic_error when there is none.
[[nodiscard]] DeviceSet set_with(const Inventory& inventory, const Bdf& bdf);

/// The machine's modules.alias, at the place where this computer's kernel would have its own.
void put_aliases(const fakes::FakeKernel& kernel, std::string_view text);

/// Where two dumps differ, for the message of a failed test.
[[nodiscard]] std::string difference(const std::string& before, const std::string& after);

/// One step of `kind` for this function, or nothing: `has<step::Reset>(plan, bdf)`.
template <typename Kind>
bool has(const Plan& plan, const Bdf& bdf) {
    for (const Step& step : plan.steps) {
        if (!std::holds_alternative<Kind>(step)) continue;
        for (const Bdf& touched : functions_of(step)) {
            if (touched == bdf) return true;
        }
    }
    return false;
}

}  // namespace passthru
