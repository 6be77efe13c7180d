// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/rehearsal.hpp"

#include <algorithm>
#include <utility>

namespace passthru {
namespace {

/// A ticket that nobody waits for.
constexpr Ticket nobody = ~Ticket{0};

/// What the assignment itself has against it, such as another owner, comes before the rest.
void add_refusal(DryRun& run, const Reaction& reaction) {
    for (const Effect& effect : reaction.effects) {
        const auto* answer = std::get_if<effect::Answer>(&effect);
        if (answer == nullptr || answer->result) continue;
        const Error& error = answer->result.error();
        auto& refusals = run.judgement.refusals;
        if (std::ranges::any_of(refusals,
                                [&](const Refusal& it) { return it.code == error.code; })) {
            return;
        }
        const std::size_t colon = error.message.rfind(": ");
        Refusal refusal{error.code, run.gpu, "", error.message.substr(0, colon), "reboot"};
        if (colon != std::string::npos) refusal.remedy = error.message.substr(colon + 2);
        std::vector<Refusal> all{std::move(refusal)};
        std::ranges::move(refusals, std::back_inserter(all));
        refusals = std::move(all);
        run.steps.clear();
    }
}

DryRun rehearse(const Bdf& gpu, const Assignment& assignment, const Snapshot& snapshot,
                const Event& event) {
    const Reaction reaction = react(assignment, snapshot, event);
    DryRun run;
    run.gpu = gpu;
    run.device_set = snapshot.set.functions();
    // Else the plan is that of a job which is under way for somebody else.
    const auto starts = [](const Effect& it) {
        return std::holds_alternative<effect::StartJob>(it);
    };
    if (std::ranges::any_of(reaction.effects, starts)) run.steps = reaction.next.plan.steps;
    add_refusal(run, reaction);
    return run;
}

}  // namespace

DryRun rehearse_detach(const Bdf& gpu, const Assignment& assignment, const Snapshot& snapshot,
                       const DetachWishes& wishes, const Owner& newcomer) {
    DryRun run = dry_run_detach(gpu, {snapshot.set, wishes, snapshot.inventory, snapshot.findings},
                                snapshot.resets);
    add_refusal(run, react(assignment, snapshot, event::DetachWanted{nobody, newcomer, wishes}));
    return run;
}

DryRun rehearse_reattach(const Bdf& gpu, const Assignment& assignment, const Snapshot& snapshot) {
    return rehearse(gpu, assignment, snapshot, event::ReattachWanted{nobody, std::nullopt});
}

DryRun rehearse_reset(const Bdf& gpu, const Assignment& assignment, const Snapshot& snapshot) {
    return rehearse(gpu, assignment, snapshot, event::ResetWanted{nobody, std::nullopt});
}

}  // namespace passthru
