// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/detach_plan.hpp"

#include <algorithm>

namespace passthru {
namespace {

HolderRule rule_at_unbind(const DetachWishes& wishes) {
    return wishes.overrides_check(Errc::InUse) ? HolderRule::RefuseDangerous : HolderRule::Refuse;
}

step::CheckUnused check_before_all(const std::vector<Bdf>& bound, const DetachWishes& wishes) {
    const GpuPolicy& policy = wishes.policy;
    if (policy.in_use == WhenInUse::Refuse) return {bound, rule_at_unbind(wishes), {}};
    const bool ask = policy.in_use == WhenInUse::Ask && !wishes.overrides_check(Errc::InUse);
    return {bound, ask ? HolderRule::AskThenRefuse : rule_at_unbind(wishes), policy.wait};
}

/// A function that may fall asleep while its driver goes is kept awake: some laptops' cards do not
/// come back from D3cold without their driver.
void detach_function(const Function& function, const std::string& stub, const DetachWishes& wishes,
                     Plan& plan) {
    if (function.power_control == "auto") {
        plan.steps.push_back(
            step::WriteSetting{function.bdf, Setting::PowerControl, function.power_control, "on"});
    }
    plan.steps.push_back(step::SetOverride{function.bdf, function.driver_override, stub});
    if (function.driver) {
        plan.steps.push_back(step::CheckUnused{{function.bdf}, rule_at_unbind(wishes), {}});
        plan.steps.push_back(step::Unbind{function.bdf, *function.driver});
    }
    plan.steps.push_back(step::Probe{function.bdf, stub});
}

}  // namespace

DetachPlan detach_steps(const DeviceSet& set, const DetachWishes& wishes,
                        const Inventory& inventory) {
    DetachPlan result;
    result.plan.kind = PlanKind::Detach;
    std::vector<const Function*> to_move;
    std::vector<Bdf> bound;
    for (const Bdf& bdf : moved_functions(set, wishes)) {
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
    if (!bound.empty()) {
        const bool all = !wishes.overrides_check(Errc::HostCritical);
        result.plan.steps.push_back(step::CheckNotCritical{
            bound, all ? CriticalRule::RefuseAll : CriticalRule::RefuseDisksAndBoard});
        result.plan.steps.push_back(check_before_all(bound, wishes));
    }
    for (const Function* function : to_move) {
        detach_function(*function, stub_driver_for(*function, inventory), wishes, result.plan);
    }
    return result;
}

Result<DetachPlan> plan_detach(const DetachCase& it) {
    if (const auto refusal = judge(it).error()) return std::unexpected(*refusal);
    return detach_steps(it.set, it.wishes, it.inventory);
}

}  // namespace passthru
