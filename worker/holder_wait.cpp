// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/holder_wait.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fmt/format.h>
#include <poll.h>
#include <set>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// Descriptors that are closed together.
class Descriptors {
public:
    Descriptors() = default;
    Descriptors(const Descriptors&) = delete;
    Descriptors& operator=(const Descriptors&) = delete;
    ~Descriptors() {
        for (const pollfd& it : list_) {
            if (it.fd != borrowed_) ::close(it.fd);
        }
    }
    void add(int fd) {
        if (fd >= 0) list_.push_back({fd, POLLIN, 0});
    }
    /// One that stays the caller's.
    void borrow(int fd) {
        borrowed_ = fd;
        add(fd);
    }
    [[nodiscard]] std::vector<pollfd>& list() { return list_; }

private:
    std::vector<pollfd> list_;
    int borrowed_ = -1;
};

/// The link leads to the open file itself, so that it does not matter what this process sees in
/// /dev.
void watch_descriptors(int inotify, const Root& root, const Holder& holder) {
    const fs::path folder = root.below(fmt::format("proc/{}/fd", holder.pid));
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const std::string target = fs::read_symlink(entry.path(), error).string();
        if (!target.starts_with(holder.node)) continue;
        std::ignore =
            ::inotify_add_watch(inotify, entry.path().c_str(), IN_CLOSE_WRITE | IN_CLOSE_NOWRITE);
    }
}

int open_process(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

}  // namespace

WaitEnd wait_for_release(const Root& root, const std::vector<Holder>& holders,
                         Clock::time_point deadline, int interrupt) {
    Descriptors descriptors;
    const int inotify = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    descriptors.add(inotify);
    std::set<pid_t> seen;
    for (const Holder& holder : holders) {
        if (holder.pid <= 0) continue;
        watch_descriptors(inotify, root, holder);
        if (!seen.insert(holder.pid).second) continue;
        const int process = open_process(holder.pid);
        if (process < 0 && errno == ESRCH) return WaitEnd::Changed;
        descriptors.add(process);
    }
    if (interrupt >= 0) descriptors.borrow(interrupt);

    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const int timeout = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    auto& list = descriptors.list();
    const int ready = ::poll(list.data(), list.size(), timeout);
    if (ready == 0) return WaitEnd::TimedOut;
    const bool interrupted =
        interrupt >= 0 && !list.empty() && list.back().fd == interrupt && list.back().revents != 0;
    return interrupted ? WaitEnd::Interrupted : WaitEnd::Changed;
}

void ask_to_end(const std::vector<Holder>& holders) {
    std::set<pid_t> asked;
    for (const Holder& holder : holders) {
        const bool program = holder.kind == HolderKind::Process && !holder.session.empty();
        if (program && holder.pid > 1 && asked.insert(holder.pid).second) {
            ::kill(holder.pid, SIGTERM);
        }
    }
}

}  // namespace passthru
