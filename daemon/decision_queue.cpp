// SPDX-License-Identifier: LGPL-2.1-or-later
// Those who wait for a set that another one has, and how it goes from the one to the other without
// a detour over the host's drivers.
#include "daemon/decision.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

constexpr std::size_t longest_queue = 8;
/// So that nobody keeps all others out.
constexpr std::ptrdiff_t most_places_of_a_user = 2;

/// The number of the user who asks; empty for a VM, which libvirt alone starts.
std::string user_of(const event::DetachWanted& wanted) {
    if (wanted.wishes.user) return fmt::to_string(*wanted.wishes.user);
    return wanted.owner.kind == OwnerKind::Administrator ? wanted.owner.id : "";
}

}  // namespace

bool Decision::may_wait(const event::DetachWanted& event) const {
    // Of the end of a VM that is not ours nobody tells.
    return event.wishes.policy.queue.count() > 0 && (it_.working() || is_lent());
}

void Decision::wait_in_line(const event::DetachWanted& event) {
    if (it_.queue.size() >= longest_queue) {
        return refuse(event.ticket, Errc::LimitsExceeded,
                      fmt::format("{} already wait for GPU {}", it_.queue.size(), gpu()));
    }
    const std::string user = user_of(event);
    const auto is_his = [&](const Waiter& it) { return user_of(it.wanted) == user; };
    if (!user.empty() && std::ranges::count_if(it_.queue, is_his) >= most_places_of_a_user) {
        return refuse(event.ticket, Errc::LimitsExceeded,
                      fmt::format("{} calls of yours wait for GPU {} already: cancel one of them",
                                  most_places_of_a_user, gpu()));
    }
    it_.queue.push_back({event, snapshot_.now + event.wishes.policy.queue});
}

void Decision::operator()(const event::Withdrawn& event) {
    const auto leaves = [&](const Waiter& it) { return it.wanted.ticket == event.ticket; };
    if (std::erase_if(it_.queue, leaves) == 0) return;
    refuse(event.ticket, Errc::Cancelled, fmt::format("the wait for GPU {} was cancelled", gpu()));
}

void Decision::operator()(const event::TimePassed&) {
    for (const Waiter& it : it_.queue) {
        if (it.until > snapshot_.now) continue;
        refuse(
            it.wanted.ticket, Errc::TimedOut,
            fmt::format("waited {} s: {}", it.wanted.wishes.policy.queue.count(), busy_message()));
    }
    std::erase_if(it_.queue, [&](const Waiter& it) { return it.until <= snapshot_.now; });
}

/// What was moved for this owner and not for the next one has to go home in between.
bool Decision::next_takes_all() const {
    if (it_.queue.empty()) return false;
    const auto moved = moved_functions(snapshot_.set, it_.queue.front().wanted.wishes);
    return std::ranges::all_of(it_.record, [&](const FunctionRecord& it) {
        return std::ranges::find(moved, it.bdf) != moved.end();
    });
}

void Decision::begin_hand_over(Ticket ticket) {
    it_.handing_over = true;
    if (ticket != 0) it_.waiting.push_back(ticket);
    Plan plan = plan_reset_between_owners();
    if (!plan.steps.empty()) return start(Phase::Resetting, std::move(plan));
    answer_all({});
    serve_queue();
}

/// Where nothing was changed yet it is tried again, as every way back is; else the host gets the
/// set, and the next one from there.
void Decision::hand_over_failed(const PlanFailed& failure) {
    it_.handing_over = false;
    Plan home = way_home();
    if (failure.error.code != Errc::InUse && !home.steps.empty()) {
        return start(Phase::Reattaching, std::move(home));
    }
    settle(Phase::Idle, std::nullopt);
    answer_all(std::unexpected(failure.error));
    grant_wish();
}

void Decision::serve_queue() {
    while (!it_.queue.empty() && !it_.working()) {
        const bool free =
            it_.handing_over ? read() != SetState::Guest : may_take(it_.queue.front().wanted.owner);
        // Nobody tells of the end of whoever else has it: such a request would be refused now.
        if (!free && (it_.handing_over || is_lent())) break;
        const Waiter next = std::move(it_.queue.front());
        it_.queue.erase(it_.queue.begin());
        begin_detach(next.wanted);
    }
    if (!it_.handing_over || it_.working()) return;
    // Whoever waited is gone or was refused.
    it_.handing_over = false;
    Plan home = way_home();
    home.steps.empty() ? give_up_ownership() : start(Phase::Reattaching, std::move(home));
}

void Decision::refuse_queue(const Error& error) {
    for (const Waiter& it : std::exchange(it_.queue, {})) {
        answer(it.wanted.ticket, std::unexpected(error));
    }
}

}  // namespace passthru
