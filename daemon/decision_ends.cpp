// SPDX-License-Identifier: LGPL-2.1-or-later
// How a job ends, and what comes of it.
#include "daemon/decision.hpp"
#include "libpassthru/plan/undo.hpp"

#include <fmt/format.h>

namespace passthru {

void Decision::operator()(const event::JobEnded& event) {
    if (it_.phase == Phase::Stuck) return came_back();
    if (!it_.working()) return;
    if (event.failure) {
        if (nothing_is_left()) return card_is_gone(*event.failure);
        if (it_.phase == Phase::Detaching) return detach_failed(*event.failure);
        if (it_.phase == Phase::Resetting) return reset_failed(*event.failure);
        return reattach_failed(*event.failure);
    }
    note_started_services();
    if (it_.phase == Phase::Detaching) {
        settle(Phase::Idle, std::nullopt);
        answer_all({});
    } else if (it_.phase == Phase::Resetting) {
        if (it_.handing_over) {
            it_.phase = Phase::Idle;
        } else {
            it_.keeper ? give_up_ownership() : settle(Phase::Idle, std::nullopt);
        }
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
    } else if (it_.handing_over) {
        return hand_over_failed(failure);
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
    // That was tried, and nothing else was left to do.
    const auto starts = [](const Step& it) {
        return std::holds_alternative<step::StartService>(it);
    };
    if (std::ranges::all_of(it_.plan.steps, starts)) it_.stopped_services.clear();
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

void Decision::note_started_services() {
    for (const Step& step : it_.plan.steps) {
        const auto* started = std::get_if<step::StartService>(&step);
        if (started != nullptr) std::erase(it_.stopped_services, started->service);
    }
}

/// What was detached before the move that failed is still detached, and still somebody's.
void Decision::fall_back() {
    const bool still_held = !way_home().steps.empty();
    if (still_held && it_.handing_over) {
        it_.phase = Phase::Idle;
        it_.trouble.reset();
        return;
    }
    still_held && !it_.keeper ? settle(Phase::Idle, std::nullopt) : give_up_ownership();
}

void Decision::give_up_ownership() {
    if (!it_.keeper && !it_.stopped_services.empty()) {
        // Somebody else has brought it home, or it was pulled out.
        it_.handing_over = false;
        return start(Phase::Reattaching, with_services({PlanKind::Reattach, {}}));
    }
    it_.phase = Phase::Idle;
    it_.trouble.reset();
    it_.plan = {};
    it_.steps_done = 0;
    it_.handing_over = false;
    it_.owner = it_.keeper.value_or(Owner{});
    it_.lent_to.reset();
    it_.keeper.reset();
    if (it_.owner.kind != OwnerKind::Host) {
        effects_.emplace_back(effect::SaveJournal{});
        return;
    }
    it_.record.clear();
    effects_.emplace_back(effect::DropJournal{});
}

}  // namespace passthru
