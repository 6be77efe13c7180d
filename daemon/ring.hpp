// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/assignment.hpp"
#include "daemon/inspection.hpp"
#include "daemon/journal.hpp"
#include "daemon/override_questions.hpp"
#include "daemon/stuck_watch.hpp"
#include "daemon/worker_run.hpp"
#include "libpassthru/config/config.hpp"
#include "libpassthru/plan/dry_run.hpp"

#include <functional>
#include <map>
#include <memory>

namespace passthru {

[[nodiscard]] std::uint64_t microseconds_since_1970();

/// A move that a worker is doing.
struct Job {
    std::uint64_t number = 0;
    std::uint64_t started_at = 0;  ///< microseconds since 1970
};

/// One device set as the daemon knows it.
struct SetEntry {
    DeviceSet set;
    Assignment assignment;
    std::optional<Job> job;
    std::optional<Error> last_error;
    std::vector<ResetTrial> last_reset;  ///< every attempt of the last job that reset the set

private:
    friend class Ring;
    std::unique_ptr<WorkerRun> worker_;
    EventSource queue_timer_;
};

/// door → decide → do → decide → tell, for every device set: keeps the machine's picture and the
/// assignments, lets `react` decide on each event, and carries the effects out.
class Ring {
public:
    struct Settings {
        Root root;
        WorkerAccess worker;
        std::chrono::seconds step_limit{30};  ///< a driver that needs longer for one step is stuck
    };
    struct Observer {
        /// Something may look different now. Called before anybody is answered.
        std::function<void()> changed;
        /// Programs are asked to let go of the set within the limit; `who` has it.
        std::function<void(const Bdf& set, std::chrono::seconds limit, const std::string& who)>
            release_requested;
        /// The job that `changed` showed last is over, or the wait that is named by its ticket.
        std::function<void(std::uint64_t job, const Result<void>& result)> job_ended;
    };
    using Answered = std::function<void(const Result<void>&)>;

    Ring(EventLoop& loop, Settings settings, Journal journal, Observer observer);

    /// Reads the machine and the journal, and goes on where the last daemon was cut off.
    void start();
    /// Reads the machine anew; put off while the ring is busy.
    void refresh();

    /// Each answers exactly once, possibly before it returns. `set` names an entry of `sets`,
    /// `client` the bus name of who asks.
    void detach(const Bdf& set, const Owner& owner, DetachWishes wishes, std::string client,
                Answered answered);
    /// `owner` is the id of the VM or the lease that gives it back; an administrator has none.
    void reattach(const Bdf& set, std::optional<std::string> owner, Answered answered);
    void reset(const Bdf& set, std::optional<std::string> method, Answered answered);
    void cancel(const Bdf& set);
    /// Takes a waiter out of the queue.
    void withdraw(const Bdf& set, Ticket waiter);
    void domains_listed(const std::set<std::string>& active, SteadyTime asked_at);

    /// A detach of this set for somebody who lists these functions, with the GPU's policy.
    [[nodiscard]] DetachWishes wishes_for(const Bdf& set, std::vector<Bdf> functions) const;

    /// What a detach of a GPU, which is in one of `sets`, would do now for somebody who lists these
    /// functions, or every reason against it, with all that `findings` tell.
    [[nodiscard]] DryRun dry_run_detach(const Bdf& gpu, const Findings& findings,
                                        const Owner& newcomer, const std::vector<Bdf>& functions);
    [[nodiscard]] DryRun dry_run_reattach(const Bdf& gpu);
    [[nodiscard]] DryRun dry_run_reset(const Bdf& gpu);

    /// Lets a worker look at a set; LimitsExceeded when too many do already.
    void inspect(const Bdf& set, Inspection::Done done);

    /// Lets workers look whether every card that is with a VM or kept for one still answers; says
    /// of each that does not why.
    void look_after_those_away();

    /// Is a worker at some set, or is somebody's request about to be decided?
    [[nodiscard]] bool busy() const;
    /// Is some set half-moved?
    [[nodiscard]] bool is_moving() const;

    /// Both take effect with the next decision.
    void set_config(Config config);
    void set_quirks(Quirks quirks) { quirks_ = std::move(quirks); }

    [[nodiscard]] const std::map<Bdf, SetEntry>& sets() const { return sets_; }
    [[nodiscard]] const Inventory& inventory() const { return inventory_; }
    [[nodiscard]] std::vector<CriticalUse> critical_uses(const std::vector<Bdf>& functions) const {
        return find_critical_uses(settings_.root, functions);
    }
    /// The name of the set that has this function, or nothing.
    [[nodiscard]] std::optional<Bdf> set_with(const Bdf& function) const;

private:
    void post(const Bdf& set, const Event& event);
    void note_overrides(const OverrideMap& overrides);
    void give_up(const Bdf& set, const Event& event, const Error& error);
    void decide(const Bdf& set, const Event& event);
    void watch_queue(const Bdf& set, const std::vector<Waiter>& before,
                     const std::vector<Effect>& effects);
    void carry_out(const Bdf& set, const std::vector<Effect>& effects);
    void start_job(const Bdf& set);
    void job_ended(const Bdf& set, std::optional<PlanFailed> failure);
    void step_done(const Bdf& set, std::size_t index);
    void step_overdue(const Bdf& set, std::chrono::seconds limit);
    void read_machine();
    void place_sets();
    [[nodiscard]] Snapshot look_at(const SetEntry& entry);
    [[nodiscard]] AtStop at_stop(const DeviceSet& set) const;
    [[nodiscard]] ResetRules reset_rules(const DeviceSet& set) const;
    void reset_tried(const Bdf& set, const ResetTrial& trial);

    EventLoop& loop_;
    Settings settings_;
    Journal journal_;
    Observer observer_;
    StuckWatch stuck_watch_;
    OverrideQuestions overrides_;
    Inventory inventory_;
    std::map<Bdf, SetEntry> sets_;
    std::map<Ticket, Answered> owed_;
    std::uint64_t last_number_ =
        0;  ///< of tickets and of jobs: a wait is a job named by its ticket
    bool stale_ = false;
    Config config_;
    Quirks quirks_;
    std::map<std::uint64_t, std::unique_ptr<Inspection>> inspections_;
    std::uint64_t last_inspection_ = 0;
};

}  // namespace passthru
