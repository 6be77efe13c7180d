// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/assignment.hpp"
#include "daemon/inspection.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <functional>
#include <map>
#include <memory>

namespace passthru {

/// Notices workers that do not come back from the kernel, finds out where in it they wait, and
/// whether they come back after all.
class StuckWatch {
public:
    struct Callbacks {
        /// The running step of this set has taken longer than it may.
        std::function<void(const Bdf& set, std::chrono::seconds limit)> overdue;
        /// StuckIn or WorkerGone.
        std::function<void(const Bdf& set, const Event& event)> learned;
    };

    /// A step may take `step_limit`, an attempt of a reset three times as long, and what waits for
    /// programs as long as it may.
    StuckWatch(EventLoop& loop, Root root, WorkerAccess access, std::chrono::seconds step_limit,
               Callbacks callbacks);

    /// The clock begins for the running step of the assignment's plan, or for the next attempt of a
    /// reset.
    void step_began(const Bdf& set, const Assignment& assignment);
    /// The worker has come to its end: no step runs.
    void job_ended(const Bdf& set);

    /// Asks another worker where in the kernel this process waits; tells StuckIn, or nothing when
    /// it cannot be told.
    void find_place(const Bdf& set, pid_t process);

    /// Tells WorkerGone when this process, which the last daemon started, has ended; a process that
    /// is stuck outlives the daemon, and its socket does not. Asking again changes nothing.
    void wait_for_end(const Bdf& set, const WorkerProcess& worker);

private:
    struct Watched {
        EventSource overdue;
        std::unique_ptr<WorkerQuestion> place;
        UniqueFd process;
        EventSource ended;
    };

    EventLoop& loop_;
    Root root_;
    WorkerAccess access_;
    std::chrono::seconds step_limit_;
    Callbacks callbacks_;
    std::map<Bdf, Watched> sets_;
};

}  // namespace passthru
