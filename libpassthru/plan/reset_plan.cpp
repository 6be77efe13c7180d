// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/reset_plan.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

/// vfio-pci lets a function sleep as soon as nobody has it open.
void wake(const Bdf& bdf, const Inventory& inventory, std::vector<Step>& steps) {
    const Function& function = inventory.functions.at(bdf);
    if (!function.power_control) return;
    steps.emplace_back(
        step::WriteSetting{bdf, Setting::PowerControl, function.power_control, "on"});
}

std::vector<ResetAttempt> without_removal(const ResetChain& chain) {
    std::vector<ResetAttempt> attempts = chain.attempts;
    std::erase_if(attempts, [](const ResetAttempt& attempt) {
        return attempt.means == ResetMeans::RemoveRescan;
    });
    for (ResetAttempt& attempt : attempts) {
        if (attempt.means == ResetMeans::RemoveSleepRescan) attempt.means = ResetMeans::SleepInRam;
    }
    return attempts;
}

Plan lent_reset(const std::vector<Bdf>& functions, const Inventory& inventory,
                std::vector<ResetChain> chains, ResetDemand demand) {
    Plan plan{PlanKind::Reset, {}};
    if (chains.empty()) return plan;
    std::vector<Bdf> on_stub;
    for (const Bdf& bdf : functions) {
        const Function* function = inventory.find(bdf);
        if (function != nullptr && function->on_stub()) on_stub.push_back(bdf);
    }
    if (!on_stub.empty()) plan.steps.emplace_back(step::CheckUnused{on_stub});
    std::vector<Step> awake;
    for (const ResetChain& chain : chains) {
        for (const Bdf& bdf : chain.functions) wake(bdf, inventory, awake);
    }
    plan.steps.insert(plan.steps.end(), awake.begin(), awake.end());
    for (ResetChain& chain : chains) {
        chain.attempts = without_removal(chain);
        plan.steps.emplace_back(step::Reset{std::move(chain), demand});
    }
    for (const Step& step : awake) {
        const auto& it = std::get<step::WriteSetting>(step);
        plan.steps.emplace_back(step::WriteSetting{it.bdf, it.setting, it.to, *it.from});
    }
    return plan;
}

std::string reasons(const std::vector<MethodNotTaken>& not_taken) {
    std::string text;
    for (const MethodNotTaken& it : not_taken) {
        text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", it.method, it.why);
    }
    return text.empty() ? "the kernel offers nothing" : text;
}

}  // namespace

std::vector<Step> reset_steps(const std::vector<Bdf>& functions, const Inventory& inventory,
                              const ResetRules& rules, ResetDemand demand) {
    std::vector<Step> steps;
    std::vector<Step> resets;
    for (const ResetChain& chain : plan_reset(functions, inventory, rules).chains) {
        for (const Bdf& bdf : chain.functions) wake(bdf, inventory, steps);
        resets.emplace_back(step::Reset{chain, demand});
    }
    steps.insert(steps.end(), resets.begin(), resets.end());
    return steps;
}

Plan plan_lent_reset(const std::vector<Bdf>& functions, const Inventory& inventory,
                     const ResetRules& rules) {
    return lent_reset(functions, inventory, plan_reset(functions, inventory, rules).chains,
                      ResetDemand::IfPossible);
}

Result<Plan> plan_set_reset(const DeviceSet& set, const Inventory& inventory,
                            const ResetRules& rules) {
    std::vector<Bdf> members;
    for (const Member& member : set.members) {
        const Function* function = inventory.find(member.bdf);
        if (function == nullptr) continue;
        if (member.role != Role::Foreign && function->driver && !function->on_stub()) {
            return fail(Errc::InUse, fmt::format("{} is with its driver {}: detach the GPU first",
                                                 member.bdf.str(), *function->driver));
        }
        members.push_back(member.bdf);
    }
    ResetDecision decision = plan_reset(members, inventory, rules);
    std::erase_if(decision.chains,
                  [](const ResetChain& it) { return without_removal(it).empty(); });
    if (!decision.chains.empty()) {
        return lent_reset(members, inventory, std::move(decision.chains), ResetDemand::Required);
    }
    return fail(Errc::ResetUnsupported,
                fmt::format("nothing can reset GPU {}: {}: reboot the computer", set.id().str(),
                            reasons(decision.not_taken)));
}

}  // namespace passthru
