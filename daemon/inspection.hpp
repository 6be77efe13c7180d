// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/loop/event_loop.hpp"
#include "daemon/worker_socket.hpp"
#include "libpassthru/plan/findings_json.hpp"

#include <functional>

namespace passthru {

/// One look at some functions by a worker, who sees more than the daemon may.
class Inspection {
public:
    using Done = std::function<void(Result<Findings>)>;

    /// Starts at once. `done` is called once, as the last thing and from the loop: with what was
    /// found, Failed when there is no worker, or TimedOut when a function kept it waiting for
    /// `limit`.
    Inspection(EventLoop& loop, const WorkerAccess& access, const std::vector<Bdf>& functions,
               std::chrono::seconds limit, Done done);

private:
    void receive();
    void finish(Result<Findings> result);

    Done done_;
    UniqueFd socket_;
    EventSource readable_;
    EventSource timer_;
};

}  // namespace passthru
