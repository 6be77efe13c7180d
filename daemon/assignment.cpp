// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/assignment.hpp"

#include "libpassthru/plan/detach_plan.hpp"
#include "libpassthru/plan/reattach_plan.hpp"
#include "libpassthru/plan/reset_plan.hpp"
#include "libpassthru/plan/undo.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace passthru {
namespace {

constexpr std::chrono::seconds time_to_close_after_a_lease{30};

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
    [[nodiscard]] bool try_again();
    void came_back();
    void detach_failed(const PlanFailed& failure);
    void reset_failed(const PlanFailed& failure);
    void reattach_failed(const PlanFailed& failure);
    void card_is_gone(const PlanFailed& failure);

    [[nodiscard]] std::string gpu() const { return snapshot_.set.id().str(); }
    [[nodiscard]] SetState read() const { return set_state(snapshot_.set, snapshot_.inventory); }
    [[nodiscard]] Plan way_home() const {
        return plan_reattach(it_.record, snapshot_.inventory, snapshot_.resets);
    }
    [[nodiscard]] bool is_lent() const {
        return it_.owner.kind == OwnerKind::Domain || it_.owner.kind == OwnerKind::Lease;
    }
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

void Decision::operator()(const event::DetachWanted& event) {
    if (it_.phase == Phase::Stuck || it_.phase == Phase::Failed) {
        answer(event.ticket, std::unexpected(*it_.trouble));
    } else if (!it_.working()) {
        begin_detach(event);
    } else if (it_.phase == Phase::Detaching && it_.owner == event.owner && !it_.wish) {
        it_.waiting.push_back(event.ticket);
    } else if (it_.phase != Phase::Detaching && !it_.wish) {
        // On its way back to the host: the next one gets it when it is there.
        it_.wish = event;
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
        Plan home = plan_reattach(it_.record, snapshot_.inventory, rules, ResetDemand::Required);
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

void Decision::operator()(const event::JobEnded& event) {
    if (it_.phase == Phase::Stuck) return came_back();
    if (!it_.working()) return;
    if (event.failure) {
        if (nothing_is_left()) return card_is_gone(*event.failure);
        if (it_.phase == Phase::Detaching) return detach_failed(*event.failure);
        if (it_.phase == Phase::Resetting) return reset_failed(*event.failure);
        return reattach_failed(*event.failure);
    }
    if (it_.phase == Phase::Detaching) {
        settle(Phase::Idle, std::nullopt);
        answer_all({});
    } else if (it_.phase == Phase::Resetting) {
        it_.keeper ? give_up_ownership() : settle(Phase::Idle, std::nullopt);
        answer_all({});
    } else if (it_.phase == Phase::Undoing) {
        const Result<void> result = std::unexpected(*it_.trouble);
        fall_back();
        answer_all(result);
    } else {
        // After a restart the machine was seen while the last daemon's worker was still moving it.
        Plan rest = way_home();
        if (!it_.keeper && !rest.steps.empty() && rest != it_.plan) {
            return start(Phase::Reattaching, std::move(rest));
        }
        give_up_ownership();
        answer_all({});
    }
    grant_wish();
}

void Decision::operator()(const event::StepOverdue& event) {
    if (!it_.working() || it_.steps_done >= it_.plan.steps.size()) return;
    const std::string what = describe(it_.plan.steps[it_.steps_done]);
    const std::string who =
        event.worker ? fmt::format(" (process {})", event.worker->pid) : std::string();
    it_.stuck_worker = event.worker;
    // When it comes back after all it shall not go on.
    effects_.emplace_back(effect::CancelJob{});
    settle(Phase::Stuck, Error{Errc::Stuck,
                               fmt::format("GPU {} is stuck: the driver did not come back from "
                                           "“{}” within {} s{}; it cannot be "
                                           "used until the computer is rebooted",
                                           gpu(), what, event.limit.count(), who),
                               0});
    answer_all(std::unexpected(*it_.trouble));
    if (!it_.wish) return;
    const Ticket ticket = std::visit([](const auto& wish) { return wish.ticket; }, *it_.wish);
    it_.wish.reset();
    answer(ticket, std::unexpected(*it_.trouble));
}

void Decision::operator()(const event::StuckIn& event) {
    if (it_.phase != Phase::Stuck || event.place.empty()) return;
    it_.trouble->message += fmt::format(" (it waits in {})", event.place);
    effects_.emplace_back(effect::SaveJournal{});
}

void Decision::operator()(const event::WorkerGone&) {
    if (it_.phase == Phase::Stuck) came_back();
}

/// Late, but the kernel has let go: the set is as wherever the driver left it, and may be asked
/// back.
void Decision::came_back() {
    it_.stuck_worker.reset();
    settle(Phase::Failed,
           Error{Errc::Stuck,
                 fmt::format("GPU {0} was stuck, and the driver came back after all: ask for "
                             "Reattach of {0} to give it to the host, or reboot",
                             gpu()),
                 0});
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
    if (!may_take(event.owner)) return refuse(event.ticket, Errc::Busy, busy_message());
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
    it_.owned_since = snapshot_.now;
    it_.trouble.reset();
    for (FunctionRecord& found : decided->record) {
        // What we moved earlier is remembered from then.
        const auto same = [&](const FunctionRecord& known) { return known.bdf == found.bdf; };
        if (std::ranges::none_of(it_.record, same)) it_.record.push_back(std::move(found));
    }
    if (decided->plan.steps.empty()) {
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
    if (it_.keeper && it_.phase == Phase::Idle) return back_to_keeper(ticket);
    if (ticket != 0) it_.waiting.push_back(ticket);
    Plan plan = with_nodes_taken_back(way_home());
    if (!plan.steps.empty()) return start(Phase::Reattaching, std::move(plan));
    give_up_ownership();
    answer_all({});
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
    const std::vector<Step> begin{
        step::LendNodes{lent, 0},
        step::CheckUnused{lent, HolderRule::Refuse, time_to_close_after_a_lease}};
    plan.steps.insert(plan.steps.begin(), begin.begin(), begin.end());
    return plan;
}

/// The set stays detached, and the next VM gets it as the first one did.
void Decision::back_to_keeper(Ticket ticket) {
    std::vector<Bdf> functions;
    for (const FunctionRecord& it : it_.record) functions.push_back(it.bdf);
    Plan plan =
        with_nodes_taken_back(plan_lent_reset(functions, snapshot_.inventory, snapshot_.resets));
    if (ticket != 0) it_.waiting.push_back(ticket);
    if (!plan.steps.empty()) return start(Phase::Resetting, std::move(plan));
    give_up_ownership();
    answer_all({});
}

void Decision::detach_failed(const PlanFailed& failure) {
    it_.trouble = failure.error;
    Plan back = undo(it_.plan, std::max(failure.index, it_.steps_done));
    if (!back.steps.empty()) return start(Phase::Undoing, std::move(back));
    const Result<void> result = std::unexpected(failure.error);
    fall_back();
    answer_all(result);
    grant_wish();
}

void Decision::reset_failed(const PlanFailed& failure) {
    const bool dead =
        failure.error.code == Errc::NeedsReboot || failure.error.code == Errc::NotResponding;
    if (dead) {
        settle(Phase::Failed, failure.error);
    } else {
        it_.keeper ? give_up_ownership() : settle(Phase::Idle, std::nullopt);
    }
    answer_all(std::unexpected(failure.error));
    grant_wish();
}

void Decision::card_is_gone(const PlanFailed& failure) {
    Error error{Errc::NoSuchGpu, fmt::format("GPU {} was unplugged or removed", gpu()), 0};
    // It was dead, and is not found any more after its removal.
    const bool lost = failure.error.code == Errc::NeedsReboot;
    if (lost) error = failure.error;
    // Nothing that waits for the way back needs it any more.
    const bool is_back = it_.phase == Phase::Reattaching && !lost;
    it_.keeper.reset();
    give_up_ownership();
    answer_all(is_back ? Result<void>() : std::unexpected(error));
    grant_wish();
}

void Decision::reattach_failed(const PlanFailed& failure) {
    // Nothing was changed yet, and the set is whole: whoever has it open is asked to close it, and
    // it is tried again.
    if (it_.phase == Phase::Reattaching && failure.error.code == Errc::InUse && !it_.second_try) {
        settle(Phase::Idle, std::nullopt);
        answer_all(std::unexpected(failure.error));
        return grant_wish();
    }
    // Every way to reset it has been tried already; and a driver that holds its lock would only let
    // the next worker wait as well.
    const bool dead = failure.error.code == Errc::NeedsReboot;
    if (!dead && failure.error.code != Errc::Stuck && try_again()) return;
    Error error = failure.error;
    if (it_.phase == Phase::Undoing && it_.trouble) {
        error.message = fmt::format("{}; and it could not be put back: {}", it_.trouble->message,
                                    error.message);
    }
    if (!dead) {
        error.message += fmt::format("; ask for Reattach of {} to try again, or reboot", gpu());
    }
    settle(Phase::Failed, error);
    answer_all(std::unexpected(error));
    grant_wish();
}

/// A driver that was busy or a worker that died is worth a second try, from wherever the functions
/// are now: else the next VM is refused until somebody asks for it.
bool Decision::try_again() {
    if (it_.second_try) return false;
    // Not home, but to where it was before, or to its keeper.
    const auto is_here = [&](const Bdf& bdf) { return snapshot_.inventory.find(bdf) != nullptr; };
    const bool whole = std::ranges::all_of(it_.plan.steps, [&](const Step& step) {
        return std::ranges::all_of(functions_of(step), is_here);
    });
    const bool same = whole && (it_.phase == Phase::Undoing || it_.keeper);
    Plan plan = same ? it_.plan : way_home();
    if (plan.steps.empty()) {
        const bool undone = it_.phase == Phase::Undoing && it_.trouble;
        const Result<void> result = undone ? std::unexpected(*it_.trouble) : Result<void>();
        give_up_ownership();
        answer_all(result);
        grant_wish();
        return true;
    }
    start(it_.phase, std::move(plan));
    it_.second_try = true;
    return true;
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
    if (phase != Phase::Stuck) it_.plan = {};
    effects_.emplace_back(effect::SaveJournal{});
}

/// What was detached before the move that failed is still detached, and still somebody's.
void Decision::fall_back() {
    const bool still_held = !way_home().steps.empty();
    still_held && !it_.keeper ? settle(Phase::Idle, std::nullopt) : give_up_ownership();
}

void Decision::give_up_ownership() {
    it_.phase = Phase::Idle;
    it_.trouble.reset();
    it_.plan = {};
    it_.steps_done = 0;
    it_.owner = it_.keeper.value_or(Owner{});
    it_.keeper.reset();
    if (it_.owner.kind != OwnerKind::Host) {
        effects_.emplace_back(effect::SaveJournal{});
        return;
    }
    it_.record.clear();
    effects_.emplace_back(effect::DropJournal{});
}

void Decision::grant_wish() {
    if (!it_.wish) return;
    const auto wish = *std::exchange(it_.wish, std::nullopt);
    std::visit([this](const auto& wanted) { (*this)(wanted); }, wish);
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

}  // namespace

Reaction react(Assignment assignment, const Snapshot& snapshot, const Event& event) {
    Decision decision(std::move(assignment), snapshot);
    std::visit(decision, event);
    return decision.finish();
}

}  // namespace passthru
