// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/holder_wait.hpp"

#include "libpassthru/safety/device_nodes.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fmt/format.h>
#include <poll.h>
#include <set>
#include <sys/inotify.h>
#include <sys/stat.h>
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

constexpr std::uint32_t closed = IN_CLOSE_WRITE | IN_CLOSE_NOWRITE;

/// The holder's descriptors of any node of its function. By number, since another folder of devices
/// may call the node otherwise.
std::vector<fs::path> descriptors_of(const Root& root, const Holder& holder) {
    const std::vector<DeviceNode> nodes = device_nodes(root, {holder.function});
    std::vector<fs::path> descriptors;
    std::error_code error;
    const fs::path folder = root.below(fmt::format("proc/{}/fd", holder.pid));
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        struct stat status{};
        if (::stat(entry.path().c_str(), &status) != 0 || !S_ISCHR(status.st_mode)) continue;
        if (std::ranges::find(nodes, status.st_rdev, &DeviceNode::number) != nodes.end()) {
            descriptors.push_back(entry.path());
        }
    }
    return descriptors;
}

/// The link leads to the open file itself, so that it does not matter what this process sees in
/// /dev. A session's node is open in logind, whose descriptors are not looked at: there the name
/// has to do.
void watch_closing(int inotify, const Root& root, const Holder& holder) {
    for (const fs::path& descriptor : descriptors_of(root, holder)) {
        std::ignore = ::inotify_add_watch(inotify, descriptor.c_str(), closed);
    }
    if (holder.kind != HolderKind::Session) return;
    const fs::path node = root.path() / fs::path(holder.node).relative_path();
    std::ignore = ::inotify_add_watch(inotify, node.c_str(), closed);
}

/// Somebody who lets go between the look that found him and the watch is told by nothing else.
bool one_let_go(const Root& root, const std::vector<Holder>& holders) {
    std::vector<Bdf> functions;
    for (const Holder& holder : holders) functions.push_back(holder.function);
    std::ranges::sort(functions);
    functions.erase(std::ranges::unique(functions).begin(), functions.end());
    const std::vector<Holder> now = find_holders(root, functions);
    return std::ranges::any_of(holders, [&](const Holder& before) {
        return before.pid > 0 && std::ranges::none_of(now, [&](const Holder& it) {
                   return it.pid == before.pid && it.function == before.function;
               });
    });
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
        watch_closing(inotify, root, holder);
        if (!seen.insert(holder.pid).second) continue;
        const int process = open_process(holder.pid);
        if (process < 0 && errno == ESRCH) return WaitEnd::Changed;
        descriptors.add(process);
    }
    if (one_let_go(root, holders)) return WaitEnd::Changed;
    if (interrupt >= 0) descriptors.borrow(interrupt);

    // A mapping that goes, or a program that becomes one of a session, is told by nothing.
    constexpr std::chrono::milliseconds look_again{5000};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const bool last = left <= look_again;
    const auto timeout =
        static_cast<int>(std::max<std::int64_t>((last ? left : look_again).count(), 0));
    auto& list = descriptors.list();
    const int ready = ::poll(list.data(), list.size(), timeout);
    if (ready == 0) return last ? WaitEnd::TimedOut : WaitEnd::Changed;
    const bool interrupted =
        interrupt >= 0 && !list.empty() && list.back().fd == interrupt && list.back().revents != 0;
    return interrupted ? WaitEnd::Interrupted : WaitEnd::Changed;
}

void ask_to_end(const std::vector<Holder>& holders, std::set<pid_t>& asked) {
    for (const Holder& holder : holders) {
        const bool program = holder.kind == HolderKind::Process && !holder.session.empty();
        if (program && holder.pid > 1 && asked.insert(holder.pid).second) {
            ::kill(holder.pid, SIGTERM);
        }
    }
}

}  // namespace passthru
