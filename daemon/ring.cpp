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

/// The loop must not wait for a driver that a worker waits for.
Overrides overrides_of(const Assignment& assignment) {
    const bool in_kernel = assignment.working() || assignment.phase == Phase::Stuck;
    return in_kernel ? Overrides::LeaveAlone : Overrides::Read;
}

bool tries_to_reset(const Step& step) {
    const auto* reset = std::get_if<step::Reset>(&step);
    return reset != nullptr && !reset->chain.attempts.empty();
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
      observer_(std::move(observer)),
      stuck_watch_(loop, settings_.root, settings_.worker, settings_.step_limit,
                   {[this](const Bdf& set, std::chrono::seconds limit) { step_overdue(set, limit); },
                    [this](const Bdf& set, const Event& event) { post(set, event); }}) {}

void Ring::start() {
    Journal::Contents contents = journal_.load();
    for (const std::string& complaint : contents.complaints) spdlog::warn("{}", complaint);
    for (auto& [gpu, assignment] : contents.assignments) {
        sets_[gpu].assignment = std::move(assignment);
    }
    read_machine();
    place_sets();
    observer_.changed();
    for (const auto& [gpu, assignment] : contents.assignments) {
        if (sets_.contains(gpu)) post(gpu, event::Restarted{});
    }
    for (const auto& [gpu, entry] : sets_) {
        const auto& worker = entry.assignment.stuck_worker;
        if (worker && !entry.worker_) stuck_watch_.wait_for_end(gpu, *worker);
    }
}

void Ring::refresh() {
    stale_ = busy();
    if (stale_) return;
    read_machine();
    place_sets();
    std::vector<Bdf> gpus;
    for (const auto& [gpu, entry] : sets_) gpus.push_back(gpu);
    for (const Bdf& gpu : gpus) post(gpu, event::MachineChanged{});
    place_sets();
    observer_.changed();
}

void Ring::set_config(Config config) {
    config_ = std::move(config);
}

void Ring::read_machine() {
    Inventory now = read_inventory(settings_.root, Overrides::LeaveAlone);
    for (auto& [bdf, function] : now.functions) {
        const Function* before = inventory_.find(bdf);
        if (before != nullptr) function.driver_override = before->driver_override;
    }
    inventory_ = std::move(now);
    inventory_.asked_for = config_.accelerators(inventory_);
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

void Ring::detach(const Bdf& set, const Owner& owner, DetachWishes wishes, Answered answered) {
    owed_.emplace(++last_ticket_, std::move(answered));
    post(set, event::DetachWanted{last_ticket_, owner, std::move(wishes)});
}

void Ring::reattach(const Bdf& set, std::optional<std::string> domain, Answered answered) {
    owed_.emplace(++last_ticket_, std::move(answered));
    post(set, event::ReattachWanted{last_ticket_, std::move(domain)});
}

void Ring::reset(const Bdf& set, std::optional<std::string> method, Answered answered) {
    owed_.emplace(++last_ticket_, std::move(answered));
    post(set, event::ResetWanted{last_ticket_, std::move(method)});
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

DryRun Ring::dry_run_detach(const Bdf& gpu, const Findings& findings) {
    SetEntry& entry = sets_.at(*set_with(gpu));
    Snapshot snapshot = look_at(entry, overrides_of(entry.assignment));
    snapshot.findings = findings;
    const DetachWishes wishes = wishes_for(entry.set.id(), {gpu});
    DryRun run = passthru::dry_run_detach(
        gpu, {entry.set, wishes, inventory_, snapshot.findings}, snapshot.resets);
    const Owner administrator{OwnerKind::Administrator, "", ""};
    const Reaction reaction =
        react(entry.assignment, snapshot, event::DetachWanted{nobody, administrator, wishes});
    add_refusal(run, reaction);
    return run;
}

DryRun Ring::dry_run_reattach(const Bdf& gpu) {
    return dry_run(gpu, event::ReattachWanted{nobody, std::nullopt});
}

DryRun Ring::dry_run_reset(const Bdf& gpu) {
    return dry_run(gpu, event::ResetWanted{nobody, std::nullopt});
}

DryRun Ring::dry_run(const Bdf& gpu, const Event& event) {
    SetEntry& entry = sets_.at(*set_with(gpu));
    const Reaction reaction = react(
        entry.assignment, look_at(entry, overrides_of(entry.assignment)), event);
    DryRun run;
    run.gpu = gpu;
    for (const Member& member : entry.set.members) run.device_set.push_back(member.bdf);
    // Else the plan is that of a job which is under way for somebody else.
    const auto starts = [](const Effect& it) {
        return std::holds_alternative<effect::StartJob>(it);
    };
    if (std::ranges::any_of(reaction.effects, starts)) run.steps = reaction.next.plan.steps;
    add_refusal(run, reaction);
    return run;
}

DetachWishes Ring::wishes_for(const Bdf& set, std::vector<Bdf> functions) const {
    const DeviceSet& members = sets_.at(set).set;
    // Where a set has several GPUs it is the one that is asked for whose policy counts.
    Bdf gpu = set;
    for (const Bdf& bdf : members.with_role(Role::Gpu)) {
        if (std::ranges::find(functions, bdf) == functions.end()) continue;
        gpu = bdf;
        break;
    }
    const Function* function = inventory_.find(gpu);
    return {std::move(functions),
            function == nullptr ? GpuPolicy{} : config_.policy_for(*function),
            {}};
}

void Ring::inspect(const Bdf& set, Inspection::Done done) {
    constexpr std::size_t most = 16;
    if (inspections_.size() >= most) {
        return done(fail(Errc::LimitsExceeded, "too many ask at once: try again in a moment"));
    }
    std::vector<Bdf> members;
    for (const Member& member : sets_.at(set).set.members) members.push_back(member.bdf);
    const std::uint64_t number = ++last_inspection_;
    inspections_[number] = std::make_unique<Inspection>(
        loop_, settings_.worker, members, settings_.step_limit,
        [this, number, done = std::move(done)](Result<Findings> found) {
            const auto over = inspections_.extract(number);
            done(std::move(found));
        });
}

void Ring::look_after_those_away() {
    std::vector<Bdf> away;
    for (const auto& [gpu, entry] : sets_) {
        if (!entry.assignment.record.empty() && !entry.assignment.working()) away.push_back(gpu);
    }
    for (const Bdf& gpu : away) {
        inspect(gpu, [this, gpu](const Result<Findings>& found) {
            const auto now = sets_.find(gpu);
            if (now == sets_.end() || !found || found->unanswering.empty()) return;
            const Error& error = found->unanswering.front().error;
            spdlog::error("gpu={} {}", gpu.str(), error.message);
            now->second.last_error = error;
            observer_.changed();
        });
    }
}

bool Ring::is_moving() const {
    return std::ranges::any_of(
        sets_, [](const auto& item) { return item.second.assignment.has_begun_to_move(); });
}

std::optional<Bdf> Ring::set_with(const Bdf& function) const {
    for (const auto& [gpu, entry] : sets_) {
        if (entry.set.contains(function)) return gpu;
    }
    return std::nullopt;
}

Snapshot Ring::look_at(SetEntry& entry, Overrides overrides) {
    // Only the set itself is read again: the rest is as udev last told.
    std::vector<Bdf> members;
    for (const Member& member : entry.set.members) members.push_back(member.bdf);
    reread(inventory_, settings_.root, members, overrides);
    Findings findings;
    findings.critical = find_critical_uses(settings_.root, members);
    return {inventory_, entry.set, std::chrono::steady_clock::now(), std::move(findings),
            reset_rules(entry.set)};
}

ResetRules Ring::reset_rules(const DeviceSet& set) const {
    ResetRules rules{quirks_, {}};
    for (const Member& member : set.members) {
        const Function* function = inventory_.find(member.bdf);
        if (function == nullptr) continue;
        if (auto wanted = config_.policy_for(*function).reset) {
            rules.wanted.emplace(member.bdf, std::move(*wanted));
        }
    }
    return rules;
}

void Ring::post(const Bdf& set, const Event& event) {
    const auto found = sets_.find(set);
    if (found == sets_.end()) return;
    SetEntry& entry = found->second;
    // Progress needs no look at the machine, and a change of the machine comes from one.
    const bool fresh = std::holds_alternative<event::StepDone>(event) ||
                       std::holds_alternative<event::StepWaiting>(event) ||
                       std::holds_alternative<event::MachineChanged>(event);
    const bool worker_is_gone = std::holds_alternative<event::JobEnded>(event) ||
                                std::holds_alternative<event::WorkerGone>(event);
    const Overrides overrides = worker_is_gone ? Overrides::Read : overrides_of(entry.assignment);
    const Snapshot snapshot =
        fresh ? Snapshot{inventory_, entry.set, {}, {}, {}} : look_at(entry, overrides);
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
                       [&](const effect::AskToRelease& it) {
                           spdlog::info("gpu={} waits up to {} s for {}", set.str(),
                                        it.limit.count(), it.who);
                           observer_.release_requested(set, it.limit, it.who);
                       },
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

void Ring::reset_tried(const Bdf& set, const ResetTrial& trial) {
    SetEntry& entry = sets_.at(set);
    spdlog::info("gpu={} job={} reset={} result={} after {} ms{}{}", set.str(),
                 entry.job ? entry.job->number : 0, trial.method, trial_end_name(trial.end),
                 trial.took.count() / 1000, trial.message.empty() ? "" : ": ", trial.message);
    entry.last_reset.push_back(trial);
    stuck_watch_.step_began(set, entry.assignment);
    observer_.changed();
}

void Ring::start_job(const Bdf& set) {
    SetEntry& entry = sets_.at(set);
    if (std::ranges::any_of(entry.assignment.plan.steps, tries_to_reset)) entry.last_reset.clear();
    entry.job = Job{++last_job_, microseconds_since_1970()};
    stuck_watch_.step_began(set, entry.assignment);
    entry.worker_ = std::make_unique<WorkerRun>(
        loop_, settings_.worker, entry.assignment.plan,
        WorkerRun::Callbacks{
            [this, set](std::size_t index) {
                post(set, event::StepDone{index});
                stuck_watch_.step_began(set, sets_.at(set).assignment);
            },
            [this, set](const std::string& who) { post(set, event::StepWaiting{who}); },
            [this, set](const ResetTrial& trial) { reset_tried(set, trial); },
            [this, set](std::optional<PlanFailed> failure) { job_ended(set, std::move(failure)); },
        });
}

void Ring::step_overdue(const Bdf& set, std::chrono::seconds limit) {
    // The worker is left behind: it may be in the kernel for ever. Its socket stays open, to hear
    // if it comes back.
    SetEntry& entry = sets_.at(set);
    if (entry.job) {
        observer_.job_ended(entry.job->number,
                            fail(Errc::Stuck, "a driver did not come back from the kernel"));
    }
    entry.job.reset();
    const auto process = entry.worker_ ? entry.worker_->process() : std::nullopt;
    post(set, event::StepOverdue{limit, process});
    if (process) stuck_watch_.find_place(set, process->pid);
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
    stuck_watch_.job_ended(set);
    const std::unique_ptr<WorkerRun> done = std::move(entry.worker_);
    post(set, event::JobEnded{std::move(failure)});
    if (stale_ && !busy()) refresh();
}

bool Ring::busy() const {
    return std::ranges::any_of(sets_,
                               [](const auto& item) { return item.second.assignment.working(); });
}

}  // namespace passthru
