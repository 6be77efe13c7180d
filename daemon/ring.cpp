// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/ring.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>

namespace passthru {
namespace {

std::uint64_t microseconds_since_1970() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

void tell_transition(const Bdf& gpu, const Assignment& before, const Assignment& after) {
    if (before.owner != after.owner) {
        spdlog::info("gpu={} owner={} domain=\"{}\": {} had it, {} has it now", gpu.str(),
                     owner_kind_name(after.owner.kind), after.owner.name, describe(before.owner),
                     describe(after.owner));
    }
    if (before.phase == after.phase) return;
    if (after.phase == Phase::Failed || after.phase == Phase::Stuck) {
        spdlog::error("gpu={} {}: {}", gpu.str(), phase_name(after.phase), after.trouble->message);
    } else {
        spdlog::info("gpu={} {} → {}", gpu.str(), phase_name(before.phase),
                     phase_name(after.phase));
    }
}

}  // namespace

Ring::Ring(EventLoop& loop, Settings settings, Journal journal, Observer observer)
    : loop_(loop),
      settings_(std::move(settings)),
      journal_(std::move(journal)),
      observer_(std::move(observer)) {}

void Ring::start() {
    Journal::Contents contents = journal_.load();
    for (const std::string& complaint : contents.complaints) spdlog::warn("{}", complaint);
    for (auto& [gpu, assignment] : contents.assignments) {
        sets_[gpu].assignment = std::move(assignment);
    }
    inventory_ = read_inventory(settings_.root);
    place_sets();
    observer_.changed();
    for (const auto& [gpu, assignment] : contents.assignments) {
        if (sets_.contains(gpu)) post(gpu, event::Restarted{});
    }
}

void Ring::refresh() {
    stale_ = busy();
    if (stale_) return;
    inventory_ = read_inventory(settings_.root);
    place_sets();
    std::vector<Bdf> gpus;
    for (const auto& [gpu, entry] : sets_) gpus.push_back(gpu);
    for (const Bdf& gpu : gpus) post(gpu, event::MachineChanged{});
    place_sets();
    observer_.changed();
}

void Ring::place_sets() {
    const std::vector<DeviceSet> present = device_sets(inventory_);
    for (const DeviceSet& set : present) sets_[set.id()].set = set;
    std::erase_if(sets_, [&](const auto& item) {
        const bool here = std::ranges::any_of(
            present, [&](const DeviceSet& set) { return set.id() == item.first; });
        const Assignment& assignment = item.second.assignment;
        // A card that is gone is forgotten when nobody has it any more.
        return !here && assignment.phase == Phase::Idle && assignment.owner.kind == OwnerKind::Host;
    });
}

void Ring::detach(const Bdf& set, const Owner& owner, std::vector<Bdf> wanted, Answered answered) {
    owed_.emplace(++last_ticket_, std::move(answered));
    post(set, event::DetachWanted{last_ticket_, owner, std::move(wanted)});
}

void Ring::reattach(const Bdf& set, std::optional<std::string> domain, Answered answered) {
    owed_.emplace(++last_ticket_, std::move(answered));
    post(set, event::ReattachWanted{last_ticket_, std::move(domain)});
}

void Ring::cancel(const Bdf& set) {
    post(set, event::CancelWanted{});
}

void Ring::domains_listed(const std::set<std::string>& active, SteadyTime asked_at) {
    std::vector<Bdf> gpus;
    for (const auto& [gpu, entry] : sets_) {
        if (entry.assignment.owner.kind == OwnerKind::Domain) gpus.push_back(gpu);
    }
    for (const Bdf& gpu : gpus) post(gpu, event::DomainsListed{active, asked_at});
}

Reaction Ring::try_out(const Bdf& set, const Event& event) {
    SetEntry& entry = sets_.at(set);
    return react(entry.assignment, look_at(entry), event);
}

std::optional<Bdf> Ring::set_with(const Bdf& function) const {
    for (const auto& [gpu, entry] : sets_) {
        if (entry.set.contains(function)) return gpu;
    }
    return std::nullopt;
}

Snapshot Ring::look_at(SetEntry& entry) {
    // Only the set itself is read again: the rest is as udev last told.
    std::vector<Bdf> members;
    for (const Member& member : entry.set.members) members.push_back(member.bdf);
    reread(inventory_, settings_.root, members);
    return {inventory_, entry.set, std::chrono::steady_clock::now()};
}

void Ring::post(const Bdf& set, const Event& event) {
    const auto found = sets_.find(set);
    if (found == sets_.end()) return;
    SetEntry& entry = found->second;
    // Progress needs no look at the machine, and a change of the machine comes from one.
    const bool fresh = std::holds_alternative<event::StepDone>(event) ||
                       std::holds_alternative<event::MachineChanged>(event);
    const Snapshot snapshot = fresh ? Snapshot{inventory_, entry.set, {}} : look_at(entry);
    Reaction reaction = react(entry.assignment, snapshot, event);
    tell_transition(set, entry.assignment, reaction.next);
    entry.assignment = std::move(reaction.next);
    if (entry.assignment.trouble) entry.last_error = entry.assignment.trouble;
    carry_out(set, reaction.effects);
}

void Ring::carry_out(const Bdf& set, const std::vector<Effect>& effects) {
    SetEntry& entry = sets_.at(set);
    bool start = false;
    std::optional<Error> not_saved;
    std::vector<effect::Answer> answers;
    for (const Effect& effect : effects) {
        std::visit(Overloaded{
                       [&](const effect::Answer& it) { answers.push_back(it); },
                       [&](const effect::StartJob&) { start = true; },
                       [&](const effect::CancelJob&) {
                           if (entry.worker_) entry.worker_->cancel();
                       },
                       [&](const effect::SaveJournal&) {
                           if (const auto saved = journal_.save(set, entry.assignment); !saved) {
                               spdlog::error("gpu={} {}", set.str(), saved.error().message);
                               not_saved = saved.error();
                           }
                       },
                       [&](const effect::DropJournal&) { journal_.drop(set); },
                   },
                   effect);
    }
    // Nothing is taken that could not be given back after a crash; giving back goes on without a
    // journal.
    const bool forbidden = start && not_saved && entry.assignment.phase == Phase::Detaching;
    if (start && !forbidden) start_job(set);
    for (const effect::Answer& answer : answers) {
        if (answer.result) continue;
        entry.last_error = answer.result.error();
        spdlog::warn("gpu={} refused: {}: {}", set.str(), errc_name(answer.result.error().code),
                     answer.result.error().message);
    }
    observer_.changed();
    for (const effect::Answer& answer : answers) {
        if (auto owed = owed_.extract(answer.ticket)) owed.mapped()(answer.result);
    }
    if (forbidden) post(set, event::JobEnded{PlanFailed{0, *not_saved}});
}

void Ring::start_job(const Bdf& set) {
    SetEntry& entry = sets_.at(set);
    entry.job = Job{++last_job_, microseconds_since_1970()};
    watch_step(set);
    entry.worker_ = std::make_unique<WorkerRun>(
        loop_, settings_.worker, entry.assignment.plan,
        WorkerRun::Callbacks{
            [this, set](std::size_t index) {
                post(set, event::StepDone{index});
                watch_step(set);
            },
            [this, set](std::optional<PlanFailed> failure) { job_ended(set, std::move(failure)); },
        });
}

void Ring::watch_step(const Bdf& set) {
    sets_.at(set).overdue_ = loop_.after(settings_.step_limit, [this, set] {
        // The worker is left behind: it may be in the kernel for ever. Its socket stays open, to
        // hear if it comes back.
        SetEntry& entry = sets_.at(set);
        if (entry.job) {
            observer_.job_ended(entry.job->number,
                                fail(Errc::Stuck, "a driver did not come back from the kernel"));
        }
        entry.job.reset();
        post(set, event::StepOverdue{settings_.step_limit});
    });
}

void Ring::job_ended(const Bdf& set, std::optional<PlanFailed> failure) {
    SetEntry& entry = sets_.at(set);
    if (failure) {
        spdlog::warn("gpu={} job={} step {} failed: {}", set.str(),
                     entry.job ? entry.job->number : 0, failure->index + 1, failure->error.message);
    }
    const Result<void> result =
        failure ? Result<void>(std::unexpected(failure->error)) : Result<void>();
    if (entry.job) observer_.job_ended(entry.job->number, result);
    entry.job.reset();
    entry.overdue_ = {};
    const std::unique_ptr<WorkerRun> done = std::move(entry.worker_);
    post(set, event::JobEnded{std::move(failure)});
    if (stale_ && !busy()) refresh();
}

bool Ring::busy() const {
    return std::ranges::any_of(sets_,
                               [](const auto& item) { return item.second.assignment.working(); });
}

}  // namespace passthru
