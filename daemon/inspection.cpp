// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/inspection.hpp"

#include "libpassthru/plan/plan_json.hpp"

#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace passthru {

WorkerQuestion::WorkerQuestion(EventLoop& loop, const WorkerAccess& access,
                               const std::string& message,
                               std::optional<std::chrono::seconds> limit, Done done)
    : done_(std::move(done)) {
    auto worker = send_to_worker(access, message);
    if (!worker) {
        timer_ = loop.soon([this, error = worker.error()] { finish(std::unexpected(error)); });
        return;
    }
    socket_ = std::move(*worker);
    readable_ = loop.watch(socket_.get(), EPOLLIN, [this](std::uint32_t) { receive(); });
    if (!limit) return;
    timer_ = loop.after(*limit, [this] {
        finish(fail(Errc::TimedOut, "the card did not answer in time; see “journalctl -k”"));
    });
}

void WorkerQuestion::receive() {
    std::vector<char> buffer(max_message);
    iovec part{buffer.data(), buffer.size()};
    alignas(cmsghdr) char beside[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = beside;
    message.msg_controllen = sizeof beside;
    const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (const cmsghdr* header = got < 0 ? nullptr : CMSG_FIRSTHDR(&message);
        header != nullptr && header->cmsg_type == SCM_RIGHTS) {
        int descriptor = -1;
        std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
        descriptor_ = UniqueFd(descriptor);
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return finish(fail(Errc::Failed, "passthru-worker died while it was looking"));
    finish(std::string(buffer.data(), static_cast<std::size_t>(got)));
}

void WorkerQuestion::finish(Result<std::string> result) {
    readable_ = {};
    // The callback usually destroys this object.
    const auto done = std::move(done_);
    done(std::move(result));
}

Inspection::Inspection(EventLoop& loop, const WorkerAccess& access,
                       const std::vector<Bdf>& functions, std::chrono::seconds limit, Done done)
    : question_(loop, access, inspection_to_text({functions}), limit,
                [done = std::move(done)](const Result<std::string>& answer) {
                    done(answer ? findings_from_text(*answer)
                                : Result<Findings>(std::unexpected(answer.error())));
                }) {}

}  // namespace passthru
