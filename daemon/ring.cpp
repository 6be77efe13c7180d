// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/ring.hpp"

#include "daemon/notice.hpp"
#include "daemon/rehearsal.hpp"
#include "libpassthru/safety/services.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace passthru {
namespace {

/// Does somebody, or libvirt, want the set moved?
bool is_request(const Event& event) {
    return std::holds_alternative<event::DetachWanted>(event) ||
           std::holds_alternative<event::ReattachWanted>(event) ||
           std::holds_alternative<event::ResetWanted>(event) ||
           std::holds_alternative<event::DomainsListed>(event);
}

/// Does the decision look at overrides? While a worker is at it only the end of a way back does:
/// what a detach has changed it knows.
bool looks_at_overrides(const Assignment& assignment, const Event& event) {
    if (assignment.phase == Phase::Stuck || assignment.phase == Phase::Detaching) return false;
    if (assignment.phase == Phase::Resetting && !assignment.handing_over) return false;
    if (std::holds_alternative<event::JobEnded>(event)) return assignment.working();
    return is_request(event) && !assignment.working();
}

/// A set whose GPU is gone has no members after a restart; its record has what was moved.
std::vector<Bdf> functions_of_entry(const SetEntry& entry) {
    std::vector<Bdf> functions = entry.set.functions();
    for (const FunctionRecord& before : entry.assignment.record) {
        if (!entry.set.contains(before.bdf)) functions.push_back(before.bdf);
    }
    return functions;
}

bool changes_something(const Reaction& reaction) {
    return !std::ranges::all_of(reaction.effects, [](const Effect& it) {
        return std::holds_alternative<effect::Answer>(it);
    });
}

bool tries_to_reset(const Step& step) {
    const auto* reset = std::get_if<step::Reset>(&step);
    return reset != nullptr && !reset->chain.attempts.empty();
}

void tell_transition(const Bdf& gpu, const Assignment& before, const Assignment& after) {
    const std::vector<std::pair<std::string_view, std::string>> owner{
        {"OWNER", std::string(owner_kind_name(after.owner.kind))},
        {"OWNER_ID", after.owner.id},
        {"OWNER_NAME", after.owner.name}};
    if (before.owner != after.owner) {
        tell({notice_id::owner_changed, spdlog::level::info, gpu,
              fmt::format("owner={} domain=\"{}\": {} had it, {} has it now",
                          owner_kind_name(after.owner.kind), after.owner.name,
                          describe(before.owner), describe(after.owner)),
              owner});
    }
    if (before.phase == after.phase) return;
    auto fields = owner;
    fields.emplace_back("PHASE", phase_name(after.phase));
    if (after.phase == Phase::Failed || after.phase == Phase::Stuck) {
        fields.emplace_back("ERROR", errc_name(after.trouble->code));
        tell({after.phase == Phase::Stuck ? notice_id::stuck : notice_id::failed,
              spdlog::level::err, gpu,
              fmt::format("{}: {}", phase_name(after.phase), after.trouble->message), fields});
    } else {
        tell({notice_id::phase_changed, spdlog::level::info, gpu,
              fmt::format("{} → {}", phase_name(before.phase), phase_name(after.phase)), fields});
    }
}

}  // namespace

std::uint64_t microseconds_since_1970() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

Ring::Ring(EventLoop& loop, Settings settings, Journal journal, Observer observer)
    : loop_(loop),
      settings_(std::move(settings)),
      journal_(std::move(journal)),
      observer_(std::move(observer)),
      stuck_watch_(
          loop, settings_.root, settings_.worker, settings_.step_limit,
          {[this](const Bdf& set, std::chrono::seconds limit) { step_overdue(set, limit); },
           [this](const Bdf& set, const Event& event) { post(set, event); }}),
      overrides_(loop, settings_.worker, settings_.step_limit) {}

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
    config_.choose_gpus(inventory_);
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

void Ring::detach(const Bdf& set, const Owner& owner, DetachWishes wishes, std::string client,
                  Answered answered) {
    owed_.emplace(++last_number_, std::move(answered));
    post(set, event::DetachWanted{last_number_, owner, std::move(wishes), std::move(client)});
}

void Ring::reattach(const Bdf& set, std::optional<std::string> owner, Answered answered) {
    owed_.emplace(++last_number_, std::move(answered));
    post(set, event::ReattachWanted{last_number_, std::move(owner)});
}

void Ring::reset(const Bdf& set, std::optional<std::string> method, Answered answered) {
    owed_.emplace(++last_number_, std::move(answered));
    post(set, event::ResetWanted{last_number_, std::move(method)});
}

void Ring::cancel(const Bdf& set) {
    post(set, event::CancelWanted{});
}

void Ring::withdraw(const Bdf& set, Ticket waiter) {
    post(set, event::Withdrawn{waiter});
}

void Ring::domains_listed(const std::set<std::string>& active, SteadyTime asked_at) {
    std::vector<Bdf> gpus;
    for (const auto& [gpu, entry] : sets_) {
        if (entry.assignment.owner.kind == OwnerKind::Domain) gpus.push_back(gpu);
    }
    for (const Bdf& gpu : gpus) post(gpu, event::DomainsListed{active, asked_at});
}

DryRun Ring::dry_run_detach(const Bdf& gpu, const Findings& findings, const Owner& newcomer,
                            const std::vector<Bdf>& functions) {
    const SetEntry& entry = sets_.at(*set_with(gpu));
    Snapshot snapshot = look_at(entry);
    const std::set<std::string> services = std::move(snapshot.findings.running_services);
    snapshot.findings = findings;
    snapshot.findings.running_services = services;
    return rehearse_detach(gpu, entry.assignment, snapshot, wishes_for(entry.set.id(), functions),
                           newcomer);
}

DryRun Ring::dry_run_reattach(const Bdf& gpu) {
    const SetEntry& entry = sets_.at(*set_with(gpu));
    return rehearse_reattach(gpu, entry.assignment, look_at(entry));
}

DryRun Ring::dry_run_reset(const Bdf& gpu) {
    const SetEntry& entry = sets_.at(*set_with(gpu));
    return rehearse_reset(gpu, entry.assignment, look_at(entry));
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
    GpuPolicy policy = function == nullptr ? GpuPolicy{} : config_.policy_for(*function);
    for (std::string& it : policy.stop_services) it = service_behind(settings_.root, it);
    return {std::move(functions), std::move(policy), {}};
}

void Ring::inspect(const Bdf& set, Inspection::Done done) {
    constexpr std::size_t most = 16;
    if (inspections_.size() >= most) {
        return done(fail(Errc::LimitsExceeded, "too many ask at once: try again in a moment"));
    }
    const std::vector<Bdf> members = sets_.at(set).set.functions();
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

Snapshot Ring::look_at(const SetEntry& entry) {
    // Only the set itself and what shares a bus with it is read again: the rest is as udev last
    // told.
    const std::vector<Bdf> members = functions_of_entry(entry);
    std::vector<Bdf> near = members;
    for (const auto& [bdf, function] : inventory_.functions) {
        const auto beside = [&](const Bdf& it) {
            return it.domain == bdf.domain && it.bus == bdf.bus;
        };
        const bool is_member = std::ranges::find(members, bdf) != members.end();
        if (!is_member && std::ranges::any_of(members, beside)) near.push_back(bdf);
    }
    reread(inventory_, settings_.root, near, Overrides::LeaveAlone);
    Findings findings;
    findings.critical = find_critical_uses(settings_.root, members);
    findings.running_services = running_services(settings_.root, config_.stop_services());
    return {inventory_,
            entry.set,
            std::chrono::steady_clock::now(),
            std::move(findings),
            reset_rules(entry.set),
            at_stop(entry.set)};
}

AtStop Ring::at_stop(const DeviceSet& set) const {
    const auto is_kept = [&](const Bdf& gpu) {
        const Function* function = inventory_.find(gpu);
        return function != nullptr && config_.policy_for(*function).at_stop == AtStop::Keep;
    };
    return std::ranges::any_of(set.with_role(Role::Gpu), is_kept) ? AtStop::Keep : AtStop::Reattach;
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
    const Assignment& assignment = found->second.assignment;
    // Who comes while others wait for the overrides comes after them.
    const bool in_line = is_request(event) && overrides_.owes(set);
    const bool ask =
        in_line || (looks_at_overrides(assignment, event) &&
                    changes_something(react(assignment, look_at(found->second), event)));
    if (!ask) return decide(set, event);
    overrides_.ask(set, functions_of_entry(found->second),
                   [this, set, event](const Result<OverrideMap>& overrides) {
                       if (overrides) {
                           note_overrides(*overrides);
                           decide(set, event);
                       } else {
                           give_up(set, event, overrides.error());
                       }
                       if (stale_ && !busy()) refresh();
                   });
}

void Ring::note_overrides(const OverrideMap& overrides) {
    for (const auto& [bdf, driver] : overrides) {
        const auto function = inventory_.functions.find(bdf);
        if (function != inventory_.functions.end()) function->second.driver_override = driver;
    }
}

/// Nobody can tell what the overrides are now.
void Ring::give_up(const Bdf& set, const Event& event, const Error& error) {
    const auto refuse = [&](Ticket ticket) {
        carry_out(set, {effect::Answer{ticket, std::unexpected(error)}});
    };
    if (const auto* wanted = std::get_if<event::DetachWanted>(&event)) refuse(wanted->ticket);
    if (const auto* wanted = std::get_if<event::ReattachWanted>(&event)) refuse(wanted->ticket);
    if (const auto* wanted = std::get_if<event::ResetWanted>(&event)) refuse(wanted->ticket);
    if (std::holds_alternative<event::JobEnded>(event)) {
        decide(set, event::JobEnded{PlanFailed{sets_.at(set).assignment.steps_done, error}});
    }
}

void Ring::decide(const Bdf& set, const Event& event) {
    const auto found = sets_.find(set);
    if (found == sets_.end()) return;
    SetEntry& entry = found->second;
    // Progress needs no look at the machine, and a change of the machine comes from one.
    const bool fresh = std::holds_alternative<event::StepDone>(event) ||
                       std::holds_alternative<event::StepWaiting>(event) ||
                       std::holds_alternative<event::MachineChanged>(event);
    const Snapshot snapshot = fresh ? Snapshot{inventory_, entry.set, {}, {}, {}} : look_at(entry);
    Reaction reaction = react(entry.assignment, snapshot, event);
    tell_transition(set, entry.assignment, reaction.next);
    const std::vector<Waiter> waited = std::move(entry.assignment.queue);
    entry.assignment = std::move(reaction.next);
    if (entry.assignment.trouble) entry.last_error = entry.assignment.trouble;
    watch_queue(set, waited, reaction.effects);
    carry_out(set, reaction.effects);
}

/// Tells of those whose wait is over, and sets the alarm for the next one.
void Ring::watch_queue(const Bdf& set, const std::vector<Waiter>& before,
                       const std::vector<Effect>& effects) {
    SetEntry& entry = sets_.at(set);
    const std::vector<Waiter>& now = entry.assignment.queue;
    for (const Waiter& it : before) {
        const Ticket ticket = it.wanted.ticket;
        if (std::ranges::find(now, ticket, ticket_of) != now.end()) continue;
        Result<void> result;
        for (const Effect& effect : effects) {
            const auto* answer = std::get_if<effect::Answer>(&effect);
            if (answer != nullptr && answer->ticket == ticket) result = answer->result;
        }
        observer_.job_ended(ticket, result);
    }
    entry.queue_timer_ = {};
    if (now.empty()) return;
    const SteadyTime next = std::ranges::min(now, {}, &Waiter::until).until;
    const auto left = std::max(next - std::chrono::steady_clock::now(), SteadyTime::duration{});
    // The timer may come a little early against this clock.
    entry.queue_timer_ = loop_.after(
        std::chrono::ceil<std::chrono::milliseconds>(left) + std::chrono::milliseconds(1),
        [this, set] { post(set, event::TimePassed{}); });
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
        const Error& error = answer.result.error();
        tell({notice_id::refused,
              spdlog::level::warn,
              set,
              fmt::format("refused: {}: {}", errc_name(error.code), error.message),
              {{"ERROR", std::string(errc_name(error.code))}}});
    }
    observer_.changed();
    for (const effect::Answer& answer : answers) {
        if (auto owed = owed_.extract(answer.ticket)) owed.mapped()(answer.result);
    }
    if (forbidden) post(set, event::JobEnded{PlanFailed{0, *not_saved}});
}

void Ring::reset_tried(const Bdf& set, const ResetTrial& trial) {
    SetEntry& entry = sets_.at(set);
    tell({notice_id::reset_tried,
          spdlog::level::info,
          set,
          fmt::format("job={} function={} reset={} result={} after {} ms{}{}",
                      entry.job ? entry.job->number : 0, trial.function.str(), trial.method,
                      trial_end_name(trial.end), trial.took.count() / 1000,
                      trial.message.empty() ? "" : ": ", trial.message),
          {{"FUNCTION", trial.function.str()},
           {"RESET_METHOD", trial.method},
           {"RESET_RESULT", std::string(trial_end_name(trial.end))}}});
    entry.last_reset.push_back(trial);
    stuck_watch_.step_began(set, entry.assignment);
    observer_.changed();
}

void Ring::start_job(const Bdf& set) {
    SetEntry& entry = sets_.at(set);
    if (std::ranges::any_of(entry.assignment.plan.steps, tries_to_reset)) entry.last_reset.clear();
    entry.job = Job{++last_number_, microseconds_since_1970()};
    stuck_watch_.step_began(set, entry.assignment);
    entry.worker_ = std::make_unique<WorkerRun>(
        loop_, settings_.worker, entry.assignment.plan,
        WorkerRun::Callbacks{
            [this, set](std::size_t index) { step_done(set, index); },
            [this, set](const std::string& who) { post(set, event::StepWaiting{who}); },
            [this, set](const ResetTrial& trial) { reset_tried(set, trial); },
            [this, set](std::optional<PlanFailed> failure) { job_ended(set, std::move(failure)); },
        });
}

void Ring::step_done(const Bdf& set, std::size_t index) {
    const Assignment& assignment = sets_.at(set).assignment;
    if (index < assignment.plan.steps.size()) {
        // The worker has read it back.
        const auto* it = std::get_if<step::SetOverride>(&assignment.plan.steps[index]);
        if (it != nullptr) note_overrides({{it->bdf, it->to}});
    }
    post(set, event::StepDone{index});
    stuck_watch_.step_began(set, assignment);
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
        tell({notice_id::step_failed,
              spdlog::level::warn,
              set,
              fmt::format("job={} step {} failed: {}", entry.job ? entry.job->number : 0,
                          failure->index + 1, failure->error.message),
              {{"ERROR", std::string(errc_name(failure->error.code))}}});
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
    return overrides_.owes_any() || std::ranges::any_of(sets_, [](const auto& item) {
               return item.second.assignment.working();
           });
}

}  // namespace passthru
