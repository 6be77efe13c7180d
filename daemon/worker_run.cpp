// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/worker_run.hpp"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <vector>

namespace passthru {

WorkerRun::WorkerRun(EventLoop& loop, const WorkerAccess& access, const Plan& plan,
                     Callbacks callbacks)
    : loop_(loop), callbacks_(std::move(callbacks)) {
    auto worker = send_to_worker(access, plan_to_text(plan));
    if (!worker) {
        failed_to_start_ =
            loop_.soon([this, error = worker.error()] { finish(PlanFailed{0, error}); });
        return;
    }
    socket_ = std::move(*worker);
    readable_ = loop_.watch(socket_.get(), EPOLLIN, [this](std::uint32_t) { receive(); });
}

void WorkerRun::cancel() {
    constexpr std::string_view word = "cancel";
    [[maybe_unused]] const ssize_t sent =
        ::send(socket_.get(), word.data(), word.size(), MSG_NOSIGNAL);
}

void WorkerRun::receive() {
    std::vector<char> buffer(max_message);
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    // It has ended before it read our "cancel". Linux tells that once, ahead of the reports that it
    // had sent (net/core/datagram.c, __skb_try_recv_datagram).
    if (got < 0 && errno == ECONNRESET) return;
    if (got <= 0) {
        return finish(PlanFailed{
            next_step_, Error{Errc::Failed, "passthru-worker died in the middle of its work", 0}});
    }
    const auto report = report_from_text({buffer.data(), static_cast<std::size_t>(got)});
    if (!report) return finish(PlanFailed{next_step_, report.error()});
    std::visit(Overloaded{
                   [this](const Started& it) { process_ = it.process; },
                   [this](const StepDone& it) {
                       next_step_ = it.index + 1;
                       callbacks_.step_done(it.index);
                   },
                   [this](const Waiting& it) { callbacks_.waiting(it.message); },
                   [this](const ResetTried& it) { callbacks_.reset_tried(it.trial); },
                   [this](const PlanDone&) { finish(std::nullopt); },
                   [this](const PlanFailed& it) { finish(it); },
               },
               *report);
}

void WorkerRun::finish(std::optional<PlanFailed> failure) {
    readable_ = {};
    // The callback usually destroys this object.
    const auto ended = std::move(callbacks_.ended);
    ended(std::move(failure));
}

}  // namespace passthru
