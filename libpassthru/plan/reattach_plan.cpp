// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/reattach_plan.hpp"

#include <algorithm>
#include <ranges>

namespace passthru {
namespace {

/// Did we move it, and is it still where we put it or between two drivers?
bool ours_to_return(const FunctionRecord& before, const Function& now) {
    if (before.driver && is_stub_driver(*before.driver)) return false;
    return now.on_stub() || (!now.driver && before.driver);
}

/// The way back to a driver names that driver in the override until it is bound: two host drivers
/// may fit one card (nouveau and nvidia), and the kernel would take whichever registered first.
void reattach_function(const FunctionRecord& before, const Function& now, Plan& plan) {
    if (before.driver) {
        plan.steps.push_back(step::SetOverride{now.bdf, now.driver_override, before.driver});
        if (now.driver) plan.steps.push_back(step::Unbind{now.bdf, *now.driver});
        plan.steps.push_back(step::Probe{now.bdf, *before.driver});
        plan.steps.push_back(step::SetOverride{now.bdf, before.driver, before.driver_override});
    } else {
        if (now.driver) plan.steps.push_back(step::Unbind{now.bdf, *now.driver});
        plan.steps.push_back(
            step::SetOverride{now.bdf, now.driver_override, before.driver_override});
    }
}

}  // namespace

bool can_reset(const Function& function, const Inventory& inventory) {
    return std::ranges::any_of(function.reset_methods, [&](const std::string& method) {
        if (method != "bus" && method != "cxl_bus") return true;
        return std::ranges::none_of(inventory.functions, [&](const auto& item) {
            const Bdf& other = item.first;
            return other != function.bdf && other.domain == function.bdf.domain &&
                   other.bus == function.bdf.bus;
        });
    });
}

Plan plan_reattach(const SetRecord& record, const Inventory& inventory) {
    Plan plan;
    plan.kind = PlanKind::Reattach;
    std::vector<Bdf> on_stub;
    std::vector<Step> resets;
    std::vector<Step> checks;
    Plan moving;
    for (const FunctionRecord& before : std::views::reverse(record)) {
        const Function* now = inventory.find(before.bdf);
        if (now == nullptr || now->id != before.id) continue;
        if (!ours_to_return(before, *now)) {
            // Bound as before, but cut off ahead of the last write.
            const bool back = now->driver == before.driver;
            if (back && now->driver_override != before.driver_override) {
                moving.steps.push_back(
                    step::SetOverride{now->bdf, now->driver_override, before.driver_override});
            }
            continue;
        }
        if (now->on_stub()) {
            on_stub.push_back(now->bdf);
            if (can_reset(*now, inventory)) resets.push_back(step::Reset{now->bdf});
        }
        checks.push_back(step::CheckAnswers{now->bdf, now->id});
        reattach_function(before, *now, moving);
    }
    if (!on_stub.empty()) plan.steps.push_back(step::CheckUnused{on_stub});
    for (const auto* part : {&resets, &checks, &moving.steps}) {
        plan.steps.insert(plan.steps.end(), part->begin(), part->end());
    }
    return plan;
}

}  // namespace passthru
