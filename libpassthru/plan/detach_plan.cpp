// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/detach_plan.hpp"

#include "libpassthru/safety/refusals.hpp"

#include <algorithm>

namespace passthru {
namespace {

void detach_function(const Function& function, const std::string& stub, Plan& plan) {
    plan.steps.push_back(step::SetOverride{function.bdf, function.driver_override, stub});
    if (function.driver) {
        plan.steps.push_back(step::CheckUnused{{function.bdf}});
        plan.steps.push_back(step::Unbind{function.bdf, *function.driver});
    }
    plan.steps.push_back(step::Probe{function.bdf, stub});
}

}  // namespace

std::vector<Bdf> moved_functions(const DeviceSet& set, const std::vector<Bdf>& wanted) {
    std::vector<Bdf> order = set.with_role(Role::Companion);
    for (const Bdf& bdf : set.with_role(Role::Foreign)) {
        if (std::ranges::find(wanted, bdf) != wanted.end()) order.push_back(bdf);
    }
    for (const Bdf& bdf : set.with_role(Role::Gpu)) order.push_back(bdf);
    return order;
}

Result<DetachPlan> plan_detach(const DeviceSet& set, const std::vector<Bdf>& wanted,
                               const Inventory& inventory) {
    if (auto refusal = refusal_for(set, wanted, inventory)) return std::unexpected(*refusal);

    DetachPlan result;
    result.plan.kind = PlanKind::Detach;
    std::vector<const Function*> to_move;
    std::vector<Bdf> bound;
    for (const Bdf& bdf : moved_functions(set, wanted)) {
        const Function& function = inventory.functions.at(bdf);
        result.record.push_back(record_of(function));
        // Parked on a stub since boot: already where it has to be, and not ours to take back.
        if (function.on_stub()) continue;
        to_move.push_back(&function);
        if (function.driver) bound.push_back(bdf);
    }
    for (const Function* function : to_move) {
        result.plan.steps.push_back(step::CheckAnswers{function->bdf, function->id});
    }
    if (!bound.empty()) result.plan.steps.push_back(step::CheckUnused{bound});
    for (const Function* function : to_move) {
        detach_function(*function, stub_driver_for(*function, inventory), result.plan);
    }
    return result;
}

}  // namespace passthru
