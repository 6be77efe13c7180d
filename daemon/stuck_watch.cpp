// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/stuck_watch.hpp"

#include "libpassthru/plan/findings_json.hpp"
#include "libpassthru/safety/running_process.hpp"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace passthru {
namespace {

/// How long the running step may wait for programs or a service, beyond what a driver may take.
std::chrono::seconds wait_of_step(const Assignment& assignment) {
    if (assignment.steps_done >= assignment.plan.steps.size()) return {};
    const Step& step = assignment.plan.steps[assignment.steps_done];
    if (std::holds_alternative<step::StopService>(step)) return time_to_stop_a_service;
    const auto* check = std::get_if<step::CheckUnused>(&step);
    return check == nullptr ? std::chrono::seconds() : check->wait;
}

/// After a reset the kernel itself waits up to 60 s for the function to answer
/// (drivers/pci/pci.c, PCIE_RESET_READY_POLL_MS).
std::chrono::seconds limit_of_step(const Assignment& assignment, std::chrono::seconds step_limit) {
    if (assignment.steps_done >= assignment.plan.steps.size()) return step_limit;
    const auto* reset = std::get_if<step::Reset>(&assignment.plan.steps[assignment.steps_done]);
    if (reset == nullptr || reset->chain.attempts.empty()) return step_limit;
    return 3 * step_limit + std::chrono::ceil<std::chrono::seconds>(reset->chain.wait);
}

}  // namespace

StuckWatch::StuckWatch(EventLoop& loop, Root root, WorkerAccess access,
                       std::chrono::seconds step_limit, Callbacks callbacks)
    : loop_(loop),
      root_(std::move(root)),
      access_(std::move(access)),
      step_limit_(step_limit),
      callbacks_(std::move(callbacks)) {}

void StuckWatch::step_began(const Bdf& set, const Assignment& assignment) {
    const std::chrono::seconds limit = limit_of_step(assignment, step_limit_);
    sets_[set].overdue = loop_.after(limit + wait_of_step(assignment),
                                     [this, set, limit] { callbacks_.overdue(set, limit); });
}

void StuckWatch::job_ended(const Bdf& set) {
    sets_[set].overdue = {};
}

void StuckWatch::find_place(const Bdf& set, pid_t process) {
    sets_[set].place = std::make_unique<WorkerQuestion>(
        loop_, access_, wait_request_to_text(process), step_limit_,
        [this, set](const Result<std::string>& answer) {
            const auto place = answer ? wait_place_from_text(*answer) : answer;
            const auto over = std::move(sets_.at(set).place);
            if (!place || place->empty()) return;
            spdlog::error("gpu={} the driver waits in {}", set.str(), *place);
            callbacks_.learned(set, event::StuckIn{*place});
        });
}

void StuckWatch::wait_for_end(const Bdf& set, const WorkerProcess& worker) {
    Watched& watched = sets_[set];
    if (watched.process) return;
    // Where other users' processes are hidden (hidepid=, proc(5)) only their end is seen.
    const bool shown = start_time(root_, 1).has_value();
    UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, worker.pid, 0)));
    const bool other = shown && start_time(root_, worker.pid) != worker.started;
    if (!process || other) {
        watched.ended = loop_.soon([this, set] { callbacks_.learned(set, event::WorkerGone{}); });
        return;
    }
    watched.ended = loop_.watch(process.get(), EPOLLIN, [this, set](std::uint32_t) {
        const auto over = std::move(sets_.at(set).ended);
        sets_.at(set).process = UniqueFd();
        callbacks_.learned(set, event::WorkerGone{});
    });
    watched.process = std::move(process);
}

}  // namespace passthru
