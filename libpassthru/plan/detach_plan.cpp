// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/detach_plan.hpp"

#include "libpassthru/plan/reset_plan.hpp"

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
                     const CardQuirk& quirk, Plan& plan) {
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
    if (quirk.d3cold == SleepRule::Forbid && function.d3cold_allowed == "1") {
        plan.steps.push_back(
            step::WriteSetting{function.bdf, Setting::D3coldAllowed, function.d3cold_allowed, "0"});
    }
    if (quirk.idle_d3 == SleepRule::Forbid && function.power_control) {
        plan.steps.push_back(
            step::WriteSetting{function.bdf, Setting::PowerControl, function.power_control, "on"});
    }
}

/// What has to be reset before a VM has it, once it is on its stub driver.
void reset_before_start(const SetRecord& record, const Inventory& inventory,
                        const ResetRules& rules, Plan& plan) {
    ResetRules now = rules;
    now.occasion = ResetOccasion::BeforeStart;
    Inventory lent = inventory;
    std::vector<Bdf> moved;
    for (const FunctionRecord& it : record) {
        Function& function = lent.functions.at(it.bdf);
        function.driver = stub_driver_for(function, inventory);
        moved.push_back(it.bdf);
    }
    for (const ResetChain& chain : plan_reset(moved, lent, now).chains) {
        if (chain.attempts.empty()) continue;
        for (const Bdf& bdf : chain.functions) {
            plan.steps.push_back(step::WriteSetting{bdf, Setting::PowerControl, "auto", "on"});
        }
        plan.steps.push_back(step::Reset{chain, ResetDemand::IfPossible});
        for (const Bdf& bdf : chain.functions) {
            if (rules.quirks.for_function(lent.functions.at(bdf)).idle_d3 == SleepRule::Forbid) {
                continue;
            }
            plan.steps.push_back(step::WriteSetting{bdf, Setting::PowerControl, "on", "auto"});
        }
    }
}

}  // namespace

DetachPlan detach_steps(const DetachCase& it, const ResetRules& rules) {
    const auto& [set, wishes, inventory, findings] = it;
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
        for (const std::string& service : wishes.policy.stop_services) {
            if (!findings.running_services.contains(service)) continue;
            result.plan.steps.push_back(step::StopService{service});
        }
        result.plan.steps.push_back(check_before_all(bound, wishes));
    }
    for (const Function* function : to_move) {
        detach_function(*function, stub_driver_for(*function, inventory), wishes,
                        rules.quirks.for_function(*function), result.plan);
    }
    if (!to_move.empty()) reset_before_start(result.record, inventory, rules, result.plan);
    if (wishes.user) {
        result.plan.steps.push_back(step::LendNodes{moved_functions(set, wishes), *wishes.user});
    }
    return result;
}

Result<DetachPlan> plan_detach(const DetachCase& it, const ResetRules& rules) {
    if (const auto refusal = judge(it).error()) return std::unexpected(*refusal);
    return detach_steps(it, rules);
}

}  // namespace passthru
