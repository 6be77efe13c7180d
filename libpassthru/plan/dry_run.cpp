// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/dry_run.hpp"

#include "libpassthru/config/config.hpp"
#include "libpassthru/safety/services.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

/// The GPU that is meant: the function itself, or the card that it is a companion of.
Result<Bdf> gpu_for(const Bdf& named, const Inventory& inventory) {
    const Function* function = inventory.find(named);
    if (function == nullptr) {
        return fail(Errc::NoSuchGpu,
                    fmt::format("this computer has no PCI function {}", named.str()));
    }
    if (inventory.left_out.contains(named)) {
        return fail(Errc::NoSuchGpu,
                    fmt::format("{} is left alone: passthrud.conf(5) excludes it", named.str()));
    }
    if (inventory.leads(*function)) return named;
    for (const auto& [bdf, gpu] : inventory.functions) {
        if (inventory.leads(gpu) && is_companion(*function, gpu, inventory)) return bdf;
    }
    return fail(Errc::NoSuchGpu, fmt::format("{} ({}) is no GPU and belongs to none", named.str(),
                                             class_name(function->class_code)));
}

}  // namespace

DryRun dry_run_detach(const Bdf& gpu, const DetachCase& it, const ResetRules& rules) {
    DryRun result;
    result.gpu = gpu;
    for (const Member& member : it.set.members) result.device_set.push_back(member.bdf);
    result.judgement = judge(it);
    if (result.judgement.refusals.empty()) {
        result.steps = detach_steps(it, rules).plan.steps;
    }
    return result;
}

Result<DryRun> dry_run_detach(const Root& root, const Bdf& gpu, std::vector<Bdf> functions) {
    const auto config = read_config_files(root);
    if (!config) return std::unexpected(config.error());
    Inventory inventory = read_inventory(root);
    config->config.choose_gpus(inventory);
    const Function* named = inventory.find(gpu);
    if (named != nullptr && named->is_accelerator()) inventory.asked_for.insert(gpu);
    const auto head = gpu_for(gpu, inventory);
    if (!head) return std::unexpected(head.error());

    const auto sets = device_sets(inventory);
    const auto set =
        std::ranges::find_if(sets, [&](const DeviceSet& it) { return it.contains(*head); });
    functions.push_back(*head);
    DetachWishes wishes{
        std::move(functions), config->config.policy_for(inventory.functions.at(*head)), {}};
    for (std::string& it : wishes.policy.stop_services) it = service_behind(root, it);
    std::vector<Bdf> members;
    for (const Member& member : set->members) members.push_back(member.bdf);
    Findings findings = inspect(root, inventory, members);
    findings.running_services = running_services(root, wishes.policy.stop_services);
    ResetRules rules{read_quirk_files(root).quirks, {}};
    if (wishes.policy.reset) rules.wanted.emplace(*head, *wishes.policy.reset);
    return dry_run_detach(*head, {*set, wishes, inventory, findings}, rules);
}

}  // namespace passthru
