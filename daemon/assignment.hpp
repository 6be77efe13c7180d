// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/owner.hpp"
#include "daemon/phase.hpp"
#include "libpassthru/pci/set_state.hpp"
#include "libpassthru/plan/plan_json.hpp"
#include "libpassthru/safety/judge.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <variant>
#include <vector>

namespace passthru {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Names a request whose answer is owed.
using Ticket = std::uint64_t;

namespace event {

/// Somebody wants the set.
struct DetachWanted {
    Ticket ticket = 0;
    Owner owner;
    DetachWishes wishes;
    // NOLINTNEXTLINE(readability-redundant-member-init): g++ 12 asks for it where it is left out
    std::string client = {};  ///< the bus name of who asks: a place in the queue ends with it
};
/// Somebody gives the set back. `owner` is the id of a VM or a lease that has ended; without it an
/// administrator asks.
struct ReattachWanted {
    Ticket ticket = 0;
    std::optional<std::string> owner;
};
/// Somebody wants the set reset, where nobody uses it; by this method only, where one is given.
struct ResetWanted {
    Ticket ticket = 0;
    std::optional<std::string> method;
};
/// The worker has done one more step.
struct StepDone {
    std::size_t index = 0;
};
/// The step that is running waits for programs to let go of the set.
struct StepWaiting {
    std::string who;  ///< `Xorg (pid 812, user alice)`
};
/// The worker has come to an end: nothing in `failure` means that every step was done.
struct JobEnded {
    std::optional<PlanFailed> failure;
};
/// The step that is running has not come back within its limit.
struct StepOverdue {
    std::chrono::seconds limit{};
    std::optional<WorkerProcess> worker;  ///< who does it, when that is known
};
/// Somebody has looked where in the kernel the overdue step is.
struct StuckIn {
    std::string place;  ///< `msleep ← nv_pci_remove`
};
/// The process of the overdue step is there no more, seen after a restart of the daemon.
struct WorkerGone {};
/// Somebody wants the running detach to stop.
struct CancelWanted {};
/// Who waits in the queue for this answer does so no more.
struct Withdrawn {
    Ticket ticket = 0;
};
/// Somebody's time in the queue may be over.
struct TimePassed {};
/// libvirt was asked at `asked_at` which domains are active.
struct DomainsListed {
    std::set<std::string> active;
    SteadyTime asked_at;
};
/// The machine was read anew.
struct MachineChanged {};
/// The daemon has read this assignment from the journal.
struct Restarted {};

}  // namespace event

using Event =
    std::variant<event::DetachWanted, event::ReattachWanted, event::ResetWanted, event::StepDone,
                 event::StepWaiting, event::JobEnded, event::StepOverdue, event::StuckIn,
                 event::WorkerGone, event::CancelWanted, event::Withdrawn, event::TimePassed,
                 event::DomainsListed, event::MachineChanged, event::Restarted>;

namespace effect {

/// Answer the request; an error is its refusal.
struct Answer {
    Ticket ticket = 0;
    Result<void> result;
};
/// Let a worker run the assignment's plan.
struct StartJob {};
/// Tell everybody who could let go of the set that he is asked to, and how long is waited.
struct AskToRelease {
    std::chrono::seconds limit{};
    std::string who;
};
/// Ask the worker to stop before its next step.
struct CancelJob {};
/// Write the assignment to the journal before anything else happens.
struct SaveJournal {};
/// Nothing is left to remember.
struct DropJournal {};

}  // namespace effect

using Effect = std::variant<effect::Answer, effect::StartJob, effect::AskToRelease,
                            effect::CancelJob, effect::SaveJournal, effect::DropJournal>;

/// What the decision looks at: one moment of the machine.
struct Snapshot {
    const Inventory& inventory;
    const DeviceSet& set;  ///< empty when the card is gone
    SteadyTime now;
    Findings findings;  ///< what was looked at besides; never more than the daemon may see itself
    ResetRules resets = {};  ///< quirks and the administrator's wishes
    AtStop at_stop = AtStop::Reattach;
};

/// Somebody who waits for the set until its owner gives it back.
struct Waiter {
    event::DetachWanted wanted;
    SteadyTime until;
};
[[nodiscard]] inline Ticket ticket_of(const Waiter& waiter) {
    return waiter.wanted.ticket;
}

/// Who has one device set, and the work on it: one running job, one latest wish, and those who
/// asked to wait, in order.
struct Assignment {
    Phase phase = Phase::Idle;
    Owner owner;                           ///< who has the set, or is getting it
    std::optional<std::uint32_t> lent_to;  ///< the number of the user whose lease `owner` is
    std::optional<Owner>
        keeper;  ///< the administrator who had it before a VM took it, and gets it back
    SteadyTime owned_since;
    SetRecord record;  ///< what the moved functions were; empty when nothing was moved
    std::vector<std::string> stopped_services;  ///< for the detach, to be started when it is home
    Plan plan;                                  ///< of the running job
    std::size_t steps_done = 0;
    bool second_try = false;      ///< the running job is the way back, after it has failed once
    std::vector<Ticket> waiting;  ///< for the running job's end
    std::optional<std::variant<event::DetachWanted, event::ReattachWanted>> wish;
    std::vector<Waiter> queue;
    bool handing_over = false;  ///< `owner` has ended, and the next of the queue gets the set
    std::optional<WorkerProcess> stuck_worker;  ///< who has not come back, while the set is stuck
    std::optional<Error> trouble;               ///< why it is being undone, is stuck or has failed

    [[nodiscard]] bool working() const;
    /// Is it working, and at more than looking?
    [[nodiscard]] bool has_begun_to_move() const;
};

struct Reaction {
    Assignment next;
    std::vector<Effect> effects;
};

/// The one place where it is decided what happens to a device set: a pure function. Every request
/// gets exactly one Answer, in this reaction or in a later one.
[[nodiscard]] Reaction react(Assignment assignment, const Snapshot& snapshot, const Event& event);

/// The state that D-Bus shows: the phase while there is work or trouble, else what sysfs says.
[[nodiscard]] std::string_view state_name(const Assignment& assignment, SetState read);

/// The owner that D-Bus shows: a set that somebody else holds for VFIO belongs to the
/// administrator.
[[nodiscard]] Owner shown_owner(const Assignment& assignment, SetState read);

}  // namespace passthru
