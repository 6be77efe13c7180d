// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/plan/plan_json.hpp"
#include "worker/executor.hpp"

#include <optional>

namespace passthru::fakes {

/// Where in a plan a worker stands still, so that a test can kill it there, or its daemon.
struct Pause {
    enum class Moment {
        Before,  ///< the step was not begun; those before it are reported
        After,   ///< the step was done, and nobody was told
    };
    PlanKind kind = PlanKind::Detach;
    Moment moment = Moment::Before;
    std::size_t step = 0;
};

/// For the next plan of this kind that a worker takes on the tree; FakeKernel::has_blocked_write
/// tells when it stands still.
void plan_pause(const Root& root, const Pause& pause);
/// The worker that stands still goes on, or is killed by SIGKILL.
void end_pause(const Root& root);
void kill_paused(const Root& root);

/// In the worker: reading an override waits for the device's lock, as FakeKernel::lock has it.
void wait_for_locks(int socket, const Root& root);
/// In the worker: the pause that is meant for the plan which comes next over the socket, if any.
[[nodiscard]] std::optional<Pause> take_pause(int socket, const Root& root);
/// As `serve_one_plan`, with a pause in it.
int serve_with_pause(int socket, const Root& root, const KernelDoors& doors, const Pause& pause);

}  // namespace passthru::fakes
