// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/loop/event_loop.hpp"
#include "daemon/worker_socket.hpp"
#include "libpassthru/plan/findings_json.hpp"

#include <functional>

namespace passthru {

/// One message to a worker, who sees more than the daemon may, and its answer.
class WorkerQuestion {
public:
    using Done = std::function<void(Result<std::string>)>;

    /// Starts at once. `done` is called once, as the last thing and from the loop: with the answer,
    /// Failed when there is no worker, or TimedOut when it has not answered within `limit`. Without
    /// a limit it waits until the worker answers or ends.
    WorkerQuestion(EventLoop& loop, const WorkerAccess& access, const std::string& message,
                   std::optional<std::chrono::seconds> limit, Done done);

    /// What came beside the answer, for `done` to take.
    [[nodiscard]] UniqueFd take_descriptor() { return std::move(descriptor_); }

private:
    void receive();
    void finish(Result<std::string> result);

    Done done_;
    UniqueFd socket_;
    UniqueFd descriptor_;
    EventSource readable_;
    EventSource timer_;
};

/// One look at some functions.
class Inspection {
public:
    using Done = std::function<void(Result<Findings>)>;

    /// As a WorkerQuestion.
    Inspection(EventLoop& loop, const WorkerAccess& access, const std::vector<Bdf>& functions,
               std::chrono::seconds limit, Done done);

private:
    WorkerQuestion question_;
};

}  // namespace passthru
