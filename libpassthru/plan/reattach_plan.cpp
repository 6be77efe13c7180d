// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/reattach_plan.hpp"

#include "libpassthru/plan/reset_plan.hpp"

#include <algorithm>
#include <ranges>

namespace passthru {
namespace {

/// Did we move it, and is it still where we put it or between two drivers?
bool ours_to_return(const FunctionRecord& before, const Function& now) {
    if (before.driver && is_stub_driver(*before.driver)) return false;
    return now.on_stub() || (!now.driver && before.driver);
}

/// Drivers and vfio-pci change them in passing (drivers/vfio/pci/vfio_pci_core.c,
/// vfio_pci_core_unregister_device leaves `on` behind), so what they will be cannot be told now.
void restore_settings(const FunctionRecord& before, const FunctionRecord& now, Plan& plan) {
    const auto restore = [&](Setting setting, const std::optional<std::string>& was,
                             const std::optional<std::string>& is) {
        if (was) plan.steps.push_back(step::WriteSetting{before.bdf, setting, is, *was});
    };
    restore(Setting::PowerControl, before.power_control, now.power_control);
    if (now.d3cold_allowed != before.d3cold_allowed) {
        restore(Setting::D3coldAllowed, before.d3cold_allowed, now.d3cold_allowed);
    }
    if (now.reset_method != before.reset_method) {
        restore(Setting::ResetMethod, before.reset_method, now.reset_method);
    }
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
    restore_settings(before, record_of(now), plan);
}

/// Found again by a scan of the bus, it has the driver that the kernel likes best, and the override
/// that we chose for it: that one does not stay.
bool is_chosen_by_us(const FunctionRecord& before, const Function& now) {
    if (!now.driver_override) return false;
    return now.driver_override == before.driver || is_stub_driver(*now.driver_override);
}

/// Bound as before, but cut off ahead of the last writes.
void finish_function(const FunctionRecord& before, const Function& now, Plan& plan) {
    if (now.driver_override != before.driver_override) {
        plan.steps.push_back(
            step::SetOverride{now.bdf, now.driver_override, before.driver_override});
    }
    const FunctionRecord is = record_of(now);
    if (is.power_control != before.power_control || is.d3cold_allowed != before.d3cold_allowed ||
        is.reset_method != before.reset_method) {
        restore_settings(before, is, plan);
    }
}

}  // namespace

Plan plan_reattach(const SetRecord& record, const Inventory& inventory, const ResetRules& rules,
                   ResetDemand demand) {
    Plan plan;
    plan.kind = PlanKind::Reattach;
    std::vector<Bdf> on_stub;
    std::vector<Step> checks;
    Plan moving;
    for (const FunctionRecord& before : std::views::reverse(record)) {
        const Function* now = inventory.find(before.bdf);
        if (now == nullptr || now->id != before.id) continue;
        if (!ours_to_return(before, *now)) {
            if (now->driver == before.driver || is_chosen_by_us(before, *now)) {
                finish_function(before, *now, moving);
            }
            continue;
        }
        if (now->on_stub()) on_stub.push_back(now->bdf);
        checks.push_back(step::CheckAnswers{now->bdf, now->id});
        reattach_function(before, *now, moving);
    }
    if (!on_stub.empty()) plan.steps.push_back(step::CheckUnused{on_stub});
    std::vector<Step> resets = reset_steps(on_stub, inventory, rules, demand);
    for (const auto* part : {&resets, &checks, &moving.steps}) {
        plan.steps.insert(plan.steps.end(), part->begin(), part->end());
    }
    return plan;
}

}  // namespace passthru
