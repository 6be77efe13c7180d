// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/assignment.hpp"

#include "daemon/decision.hpp"
#include "libpassthru/plan/detach_plan.hpp"
#include "libpassthru/plan/reset_plan.hpp"

#include <fmt/format.h>

namespace passthru {
namespace {

constexpr std::chrono::seconds time_to_close_after_a_lease{30};

}  // namespace

void Decision::operator()(const event::DetachWanted& event) {
    if (it_.phase == Phase::Stuck || it_.phase == Phase::Failed) {
        answer(event.ticket, std::unexpected(*it_.trouble));
    } else if (!it_.working() && (may_take(event.owner) || !may_wait(event))) {
        begin_detach(event);
    } else if (it_.phase == Phase::Detaching && it_.owner == event.owner && !it_.wish) {
        it_.waiting.push_back(event.ticket);
    } else if (it_.working() && it_.phase != Phase::Detaching && !it_.wish && it_.queue.empty()) {
        // On its way back to the host: the next one gets it when it is there.
        it_.wish = event;
    } else if (may_wait(event)) {
        wait_in_line(event);
    } else {
        refuse(event.ticket, Errc::Busy, busy_message());
    }
}

void Decision::operator()(const event::ReattachWanted& event) {
    if (event.owner) {
        // Also the `release` of a VM that was refused because another one has the GPU: it owns
        // nothing.
        if (!is_lent() || it_.owner.id != *event.owner) return answer(event.ticket, {});
    } else if (it_.phase != Phase::Failed && it_.phase != Phase::Stuck && is_lent()) {
        return refuse(event.ticket, Errc::Busy, busy_message());
    }
    if (it_.phase == Phase::Stuck) return answer(event.ticket, std::unexpected(*it_.trouble));
    if (it_.phase == Phase::Detaching && it_.wish) {
        refuse(event.ticket, Errc::Busy, busy_message());
    } else if (it_.phase == Phase::Detaching || (it_.phase == Phase::Undoing && !it_.wish)) {
        // Whoever waits for an undo is told why the detach failed; this one asks for what the undo
        // brings.
        it_.wish = event;
    } else if (it_.working()) {
        it_.waiting.push_back(event.ticket);
    } else {
        begin_reattach(event.ticket);
    }
}

void Decision::operator()(const event::ResetWanted& event) {
    if (it_.phase == Phase::Stuck) return answer(event.ticket, std::unexpected(*it_.trouble));
    if (it_.working() || read() == SetState::Guest || (is_lent() && it_.phase != Phase::Failed)) {
        return refuse(event.ticket, Errc::Busy, busy_message());
    }
    if (read() == SetState::Gone) {
        return refuse(event.ticket, Errc::NoSuchGpu,
                      fmt::format("GPU {} was unplugged or removed", gpu()));
    }
    ResetRules rules = snapshot_.resets;
    for (const Member& member : snapshot_.set.members) {
        if (event.method) rules.wanted[member.bdf] = {*event.method};
    }
    if (it_.phase == Phase::Failed) {
        // It was on its way to the host, and goes on.
        Plan home = with_services(
            plan_reattach(it_.record, snapshot_.inventory, rules, ResetDemand::Required));
        if (!home.steps.empty()) {
            it_.waiting.push_back(event.ticket);
            return start(Phase::Reattaching, std::move(home));
        }
    }
    auto plan = plan_set_reset(snapshot_.set, snapshot_.inventory, rules);
    if (!plan) return answer(event.ticket, std::unexpected(plan.error()));
    it_.waiting.push_back(event.ticket);
    start(Phase::Resetting, std::move(*plan));
}

void Decision::operator()(const event::StepDone& event) {
    if (it_.working()) it_.steps_done = std::max(it_.steps_done, event.index + 1);
}

void Decision::operator()(const event::StepWaiting& event) {
    if (!it_.working() || it_.steps_done >= it_.plan.steps.size()) return;
    const auto* check = std::get_if<step::CheckUnused>(&it_.plan.steps[it_.steps_done]);
    if (check != nullptr) effects_.emplace_back(effect::AskToRelease{check->wait, event.who});
}

void Decision::operator()(const event::CancelWanted&) {
    if (it_.phase == Phase::Detaching) effects_.emplace_back(effect::CancelJob{});
}

void Decision::operator()(const event::DomainsListed& event) {
    if (it_.owner.kind != OwnerKind::Domain || it_.phase != Phase::Idle) return;
    // A list that was asked for before the VM's start says nothing of it.
    if (it_.owned_since >= event.asked_at || event.active.contains(it_.owner.id)) return;
    begin_reattach(0);
}

void Decision::operator()(const event::MachineChanged&) {
    // Another tool has given the set back: that is how it is now.
    const bool by_hand = it_.owner.kind == OwnerKind::Administrator && it_.phase == Phase::Idle;
    if (by_hand && (read() == SetState::Host || read() == SetState::Gone)) give_up_ownership();
}

void Decision::operator()(const event::Restarted&) {
    // A move that was cut off: whoever waited for it got an error, so the host gets everything
    // back.
    if (!it_.working()) return;
    it_.trouble.reset();
    if (it_.phase == Phase::Resetting) {
        // The worker goes on without us, and whoever moves the set next waits for it.
        return it_.keeper ? give_up_ownership() : settle(Phase::Idle, std::nullopt);
    }
    // The last daemon's worker may still be at it: a plan that touches the same functions waits for
    // its end.
    Plan wait{PlanKind::Reattach, {}};
    for (const FunctionRecord& before : it_.record) {
        const Function* now = snapshot_.inventory.find(before.bdf);
        if (now != nullptr && now->id == before.id) {
            wait.steps.push_back(step::CheckAnswers{before.bdf, before.id});
        }
    }
    wait.steps.empty() ? give_up_ownership() : start(Phase::Reattaching, std::move(wait));
}

void Decision::begin_detach(const event::DetachWanted& event) {
    if (!it_.handing_over && !may_take(event.owner)) {
        return refuse(event.ticket, Errc::Busy, busy_message());
    }
    if (read() == SetState::Gone) {
        return refuse(event.ticket, Errc::NoSuchGpu,
                      fmt::format("GPU {} was unplugged or removed", gpu()));
    }
    auto decided = plan_detach(
        {snapshot_.set, event.wishes, snapshot_.inventory, snapshot_.findings}, snapshot_.resets);
    if (!decided) return answer(event.ticket, std::unexpected(decided.error()));

    if (it_.owner.kind == OwnerKind::Administrator &&
        event.owner.kind != OwnerKind::Administrator) {
        it_.keeper = it_.owner;
    }
    it_.owner = event.owner;
    it_.lent_to = event.wishes.user;
    it_.owned_since = snapshot_.now;
    it_.trouble.reset();
    for (FunctionRecord& found : decided->record) {
        // What we moved earlier is remembered from then.
        const auto same = [&](const FunctionRecord& known) { return known.bdf == found.bdf; };
        if (std::ranges::none_of(it_.record, same)) it_.record.push_back(std::move(found));
    }
    for (const Step& step : decided->plan.steps) {
        const auto* stops = std::get_if<step::StopService>(&step);
        if (stops != nullptr) it_.stopped_services.push_back(stops->service);
    }
    if (decided->plan.steps.empty()) {
        it_.handing_over = false;
        effects_.emplace_back(effect::SaveJournal{});
        return answer(event.ticket, {});
    }
    it_.waiting.push_back(event.ticket);
    start(Phase::Detaching, std::move(decided->plan));
}

void Decision::begin_reattach(Ticket ticket) {
    if (it_.owner.kind == OwnerKind::Host && it_.record.empty()) {
        if (read() != SetState::Detached && read() != SetState::Guest) return answer(ticket, {});
        return refuse(
            ticket, Errc::NotOwner,
            fmt::format(
                "GPU {} was bound for VFIO by the boot configuration or another program, which has "
                "to give it back itself",
                gpu()));
    }
    if (is_lent() && !it_.keeper && snapshot_.at_stop == AtStop::Keep) {
        // As if root had detached it before.
        it_.keeper = Owner{OwnerKind::Administrator, "0", "root"};
    }
    if (it_.keeper && it_.phase == Phase::Idle) return back_to_keeper(ticket);
    if (it_.phase == Phase::Idle && next_takes_all()) return begin_hand_over(ticket);
    if (ticket != 0) it_.waiting.push_back(ticket);
    Plan plan = with_nodes_taken_back(way_home());
    if (!plan.steps.empty()) return start(Phase::Reattaching, std::move(plan));
    give_up_ownership();
    answer_all({});
    serve_queue();
}

/// What was stopped for the detach is started last, with the host's drivers in their places.
Plan Decision::with_services(Plan home) const {
    for (const std::string& service : it_.stopped_services) {
        home.steps.emplace_back(step::StartService{service});
    }
    return home;
}

/// A lease has ended. Who had it opens nothing any more, and what his programs have open they close
/// as they end, in whatever order the kernel closes their files.
Plan Decision::with_nodes_taken_back(Plan plan) const {
    if (it_.owner.kind != OwnerKind::Lease) return plan;
    std::vector<Bdf> lent;
    for (const FunctionRecord& it : it_.record) {
        const Function* function = snapshot_.inventory.find(it.bdf);
        if (function != nullptr && function->on_stub()) lent.push_back(it.bdf);
    }
    if (lent.empty()) return plan;
    // The plan's own look, where it has one, would not wait.
    const bool looks =
        !plan.steps.empty() && std::holds_alternative<step::CheckUnused>(plan.steps.front());
    if (looks) plan.steps.erase(plan.steps.begin());
    const std::vector<Step> begin{
        step::LendNodes{lent, 0},
        step::CheckUnused{lent, HolderRule::Refuse, time_to_close_after_a_lease}};
    plan.steps.insert(plan.steps.begin(), begin.begin(), begin.end());
    return plan;
}

Plan Decision::plan_reset_between_owners() const {
    std::vector<Bdf> functions;
    for (const FunctionRecord& it : it_.record) functions.push_back(it.bdf);
    return with_nodes_taken_back(plan_lent_reset(functions, snapshot_.inventory, snapshot_.resets));
}

/// The set stays detached, and the next VM gets it as the first one did.
void Decision::back_to_keeper(Ticket ticket) {
    if (ticket != 0) it_.waiting.push_back(ticket);
    Plan plan = plan_reset_between_owners();
    if (!plan.steps.empty()) return start(Phase::Resetting, std::move(plan));
    give_up_ownership();
    answer_all({});
    serve_queue();
}

void Decision::answer_all(const Result<void>& result) {
    for (const Ticket ticket : std::exchange(it_.waiting, {})) answer(ticket, result);
}

void Decision::start(Phase phase, Plan plan) {
    it_.phase = phase;
    it_.plan = std::move(plan);
    it_.steps_done = 0;
    it_.second_try = false;
    effects_.emplace_back(effect::SaveJournal{});
    effects_.emplace_back(effect::StartJob{});
}

void Decision::settle(Phase phase, std::optional<Error> trouble) {
    it_.phase = phase;
    it_.trouble = std::move(trouble);
    it_.handing_over = false;
    if (phase != Phase::Stuck) it_.plan = {};
    effects_.emplace_back(effect::SaveJournal{});
    if (it_.trouble) refuse_queue(*it_.trouble);
}

void Decision::grant_wish() {
    if (const auto wish = std::exchange(it_.wish, std::nullopt)) {
        std::visit([this](const auto& wanted) { (*this)(wanted); }, *wish);
    }
    serve_queue();
}

bool Decision::may_take(const Owner& newcomer) const {
    if (it_.owner == newcomer) return true;
    switch (it_.owner.kind) {
        case OwnerKind::Host: return read() != SetState::Guest;
        // Detached by hand is how many people keep a card ready for their VMs.
        case OwnerKind::Administrator: return read() != SetState::Guest;
        case OwnerKind::Domain:
        case OwnerKind::Lease: return false;
    }
    return false;
}

std::string Decision::busy_message() const {
    if (it_.working()) {
        return fmt::format("GPU {} is being moved for {}: try again in a moment", gpu(),
                           describe(it_.owner));
    }
    const Owner owner = shown_owner(it_, read());
    switch (owner.kind) {
        case OwnerKind::Domain:
            return fmt::format("GPU {} belongs to {}: shut that VM down first", gpu(),
                               describe(owner));
        case OwnerKind::Lease:
            return fmt::format("GPU {} belongs to {}: end it first", gpu(), describe(owner));
        case OwnerKind::Administrator:
            return fmt::format(
                "GPU {} is in use by a VM that passthrud did not start: end it first", gpu());
        case OwnerKind::Host: break;
    }
    return fmt::format("GPU {} cannot be had now: try again in a moment", gpu());
}

Reaction react(Assignment assignment, const Snapshot& snapshot, const Event& event) {
    Decision decision(std::move(assignment), snapshot);
    std::visit(decision, event);
    return decision.finish();
}

}  // namespace passthru
