// SPDX-License-Identifier: LGPL-2.1-or-later
// What is read off an assignment.
#include "daemon/assignment.hpp"

#include <algorithm>

namespace passthru {
namespace {

bool lets_the_computer_sleep(const Step& step) {
    const auto* reset = std::get_if<step::Reset>(&step);
    return reset != nullptr && std::ranges::any_of(reset->chain.attempts, [](const auto& it) {
               return it.means == ResetMeans::SleepInRam ||
                      it.means == ResetMeans::RemoveSleepRescan;
           });
}

}  // namespace

bool Assignment::working() const {
    return phase == Phase::Detaching || phase == Phase::Undoing || phase == Phase::Resetting ||
           phase == Phase::Reattaching;
}

bool Assignment::has_begun_to_move() const {
    // It would hold off the sleep that it has asked for.
    if (std::ranges::any_of(plan.steps, lets_the_computer_sleep)) return false;
    const auto reached = std::min(steps_done + 1, plan.steps.size());
    return working() && std::any_of(plan.steps.begin(),
                                    plan.steps.begin() + static_cast<std::ptrdiff_t>(reached),
                                    [](const Step& step) { return !only_looks(step); });
}

std::string_view state_name(const Assignment& assignment, SetState read) {
    const bool resets =
        assignment.working() && assignment.steps_done < assignment.plan.steps.size() &&
        std::holds_alternative<step::Reset>(assignment.plan.steps[assignment.steps_done]);
    if (resets) return "resetting";
    switch (assignment.phase) {
        case Phase::Idle: return set_state_name(read);
        case Phase::Detaching: return "detaching";
        case Phase::Resetting: return "resetting";
        case Phase::Undoing:
        case Phase::Reattaching: return "reattaching";
        case Phase::Stuck: return "stuck";
        case Phase::Failed: return "failed";
    }
    return "failed";
}

Owner shown_owner(const Assignment& assignment, SetState read) {
    const bool held = read == SetState::Detached || read == SetState::Guest;
    if (assignment.owner.kind == OwnerKind::Host && assignment.phase == Phase::Idle && held) {
        return {OwnerKind::Administrator, "", ""};
    }
    return assignment.owner;
}

}  // namespace passthru
