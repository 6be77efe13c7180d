// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/assignment.hpp"
#include "libpassthru/plan/reattach_plan.hpp"

#include <algorithm>
#include <utility>

namespace passthru {

/// One run of `react`: what is decided about an event, while it is decided.
class Decision {
public:
    Decision(Assignment assignment, const Snapshot& snapshot)
        : it_(std::move(assignment)), snapshot_(snapshot) {}

    Reaction finish() { return {std::move(it_), std::move(effects_)}; }

    void operator()(const event::DetachWanted& event);
    void operator()(const event::ReattachWanted& event);
    void operator()(const event::ResetWanted& event);
    void operator()(const event::StepDone& event);
    void operator()(const event::StepWaiting& event);
    void operator()(const event::JobEnded& event);
    void operator()(const event::StuckIn& event);
    void operator()(const event::WorkerGone& event);
    void operator()(const event::StepOverdue& event);
    void operator()(const event::CancelWanted& event);
    void operator()(const event::Withdrawn& event);
    void operator()(const event::TimePassed& event);
    void operator()(const event::DomainsListed& event);
    void operator()(const event::MachineChanged& event);
    void operator()(const event::Restarted& event);

private:
    void answer(Ticket ticket, Result<void> result) {
        if (ticket != 0) effects_.emplace_back(effect::Answer{ticket, std::move(result)});
    }
    void refuse(Ticket ticket, Errc code, std::string message) {
        answer(ticket, fail(code, std::move(message)));
    }
    void answer_all(const Result<void>& result);
    void start(Phase phase, Plan plan);
    void begin_detach(const event::DetachWanted& event);
    void begin_reattach(Ticket ticket);
    void back_to_keeper(Ticket ticket);
    void fall_back();
    void give_up_ownership();
    void settle(Phase phase, std::optional<Error> trouble);
    void grant_wish();
    [[nodiscard]] bool may_wait(const event::DetachWanted& event) const;
    void wait_in_line(const event::DetachWanted& event);
    [[nodiscard]] bool next_takes_all() const;
    void begin_hand_over(Ticket ticket);
    void hand_over_failed(const PlanFailed& failure);
    void serve_queue();
    void refuse_queue(const Error& error);
    [[nodiscard]] bool try_again();
    void came_back();
    void detach_failed(const PlanFailed& failure);
    void reset_failed(const PlanFailed& failure);
    void reattach_failed(const PlanFailed& failure);
    void card_is_gone(const PlanFailed& failure);

    [[nodiscard]] std::string gpu() const { return snapshot_.set.id().str(); }
    [[nodiscard]] SetState read() const { return set_state(snapshot_.set, snapshot_.inventory); }
    [[nodiscard]] Plan way_home() const {
        return with_services(plan_reattach(it_.record, snapshot_.inventory, snapshot_.resets));
    }
    [[nodiscard]] Plan with_services(Plan home) const;
    void note_started_services();
    [[nodiscard]] bool is_lent() const {
        return it_.owner.kind == OwnerKind::Domain || it_.owner.kind == OwnerKind::Lease;
    }
    [[nodiscard]] Plan plan_reset_between_owners() const;
    [[nodiscard]] Plan with_nodes_taken_back(Plan plan) const;
    /// Was all of it pulled out, what was moved with the GPU too?
    [[nodiscard]] bool nothing_is_left() const {
        return read() == SetState::Gone &&
               std::ranges::none_of(it_.record, [&](const FunctionRecord& it) {
                   return snapshot_.inventory.find(it.bdf) != nullptr;
               });
    }
    [[nodiscard]] bool may_take(const Owner& newcomer) const;
    [[nodiscard]] std::string busy_message() const;

    Assignment it_;
    const Snapshot& snapshot_;
    std::vector<Effect> effects_;
};

}  // namespace passthru
