// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/daemon/desk.hpp"

#include "libpassthru/safety/services.hpp"

#include <gtest/gtest.h>

namespace passthru {

void Desk::send(const Event& event) {
    const Inventory inventory = kernel_.inventory();
    const bool ended = std::holds_alternative<event::JobEnded>(event);
    if (ended) running = false;
    Findings findings;
    findings.running_services = running_services(kernel_.root(), stop_services);
    Reaction reaction = react(it, {inventory, set_, now, findings, {}, at_stop}, event);
    it = std::move(reaction.next);
    if (it.phase == Phase::Stuck) running = false;
    for (const Effect& effect : reaction.effects) {
        std::visit(Overloaded{
                       [&](const effect::Answer& given) { answers.push_back(given); },
                       [&](const effect::StartJob&) {
                           EXPECT_FALSE(running) << "two jobs at the same time";
                           running = true;
                           ++started;
                       },
                       [&](const effect::AskToRelease&) {},
                       [&](const effect::CancelJob&) { ++cancelled; },
                       [&](const effect::SaveJournal&) { saved = it; },
                       [&](const effect::DropJournal&) { saved.reset(); },
                   },
                   effect);
    }
}

Ticket Desk::want(const Owner& owner, DetachWishes wishes) {
    wishes.policy.boot_gpu = BootGpuRule::Allow;
    wishes.policy.stop_services = stop_services;
    send(event::DetachWanted{++last_, owner, std::move(wishes)});
    return last_;
}

Ticket Desk::detach(const Owner& owner, std::vector<Bdf> wanted) {
    DetachWishes wishes;
    wishes.functions = std::move(wanted);
    return want(owner, std::move(wishes));
}

Ticket Desk::lend(const Owner& lease, std::uint32_t user) {
    DetachWishes wishes;
    wishes.user = user;
    return want(lease, std::move(wishes));
}

Ticket Desk::queue(const Owner& owner, std::chrono::seconds limit, std::vector<Bdf> wanted) {
    DetachWishes wishes;
    wishes.functions = std::move(wanted);
    wishes.policy.queue = limit;
    return want(owner, std::move(wishes));
}

Ticket Desk::queue_lease(const Owner& lease, std::uint32_t user) {
    DetachWishes wishes;
    wishes.user = user;
    wishes.policy.queue = std::chrono::seconds(60);
    return want(lease, std::move(wishes));
}

Ticket Desk::reattach(std::optional<std::string> domain) {
    send(event::ReattachWanted{++last_, std::move(domain)});
    return last_;
}

Ticket Desk::reset(std::optional<std::string> method) {
    send(event::ResetWanted{++last_, std::move(method)});
    return last_;
}

void Desk::run_jobs() {
    while (running) run_job();
}

void Desk::run_job() {
    const Plan plan = it.plan;
    const Ran ran = run(kernel_, plan);
    for (std::size_t index = 0; index < ran.done; ++index) send(event::StepDone{index});
    std::optional<PlanFailed> failure;
    if (ran.error) failure = PlanFailed{ran.done, *ran.error};
    send(event::JobEnded{failure});
}

void Desk::run_steps(std::size_t count) {
    run(kernel_, first_steps(it.plan, count));
    for (std::size_t index = 0; index < count; ++index) send(event::StepDone{index});
}

void Desk::restart() {
    running = false;
    it = {};
    if (!saved) return;
    // What the journal keeps.
    it.phase = saved->phase;
    it.owner = saved->owner;
    it.keeper = saved->keeper;
    it.record = saved->record;
    it.stopped_services = saved->stopped_services;
    it.trouble = saved->trouble;
    it.stuck_worker = saved->stuck_worker;
    send(event::Restarted{});
}

std::optional<Result<void>> Desk::answer(Ticket ticket) const {
    std::optional<Result<void>> found;
    for (const effect::Answer& given : answers) {
        if (given.ticket != ticket) continue;
        EXPECT_FALSE(found) << "ticket " << ticket << " was answered twice";
        found = given.result;
    }
    return found;
}

bool Desk::succeeded(Ticket ticket) const {
    const auto given = answer(ticket);
    return given && given->has_value();
}

std::optional<Errc> Desk::refusal(Ticket ticket) const {
    const auto given = answer(ticket);
    return given && !*given ? std::optional(given->error().code) : std::nullopt;
}

std::string Desk::message(Ticket ticket) const {
    const auto given = answer(ticket);
    return given && !*given ? given->error().message : "";
}

SetState Desk::state() const {
    return set_state(set_, kernel_.inventory());
}

}  // namespace passthru
