// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/loop/event_loop.hpp"
#include "daemon/worker_socket.hpp"
#include "libpassthru/plan/plan_json.hpp"

#include <functional>
#include <string>

namespace passthru {

/// One plan on its way through one worker process. Destroying it hangs up; the worker then goes on
/// to the end of its plan.
class WorkerRun {
public:
    struct Callbacks {
        std::function<void(std::size_t index)> step_done;
        /// The running step waits for these programs.
        std::function<void(const std::string& who)> waiting;
        /// One way to reset a card was tried.
        std::function<void(const ResetTrial& trial)> reset_tried;
        /// Called once, as the last thing: nothing, or the step that failed. A worker that dies has
        /// failed at its step.
        std::function<void(std::optional<PlanFailed>)> ended;
    };

    /// Starts at once. When no worker can be had, `ended` is told so in the next turn of the loop.
    WorkerRun(EventLoop& loop, const WorkerAccess& access, const Plan& plan, Callbacks callbacks);

    /// Asks the worker to stop before its next step; `ended` tells whether it came in time.
    void cancel();

    /// The worker's process, once it has told.
    [[nodiscard]] std::optional<WorkerProcess> process() const { return process_; }

private:
    void receive();
    void finish(std::optional<PlanFailed> failure);

    EventLoop& loop_;
    Callbacks callbacks_;
    UniqueFd socket_;
    EventSource readable_;
    EventSource failed_to_start_;
    std::optional<WorkerProcess> process_;
    std::size_t next_step_ = 0;
};

}  // namespace passthru
