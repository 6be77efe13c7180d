// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/libvirt/domain_watch.hpp"
#include "daemon/loop/mailbox.hpp"

#include <atomic>
#include <libvirt/libvirt.h>
#include <optional>

namespace passthru {

/// All that the loop and libvirt's thread share.
struct WatchChannel {
    WatchChannel(EventLoop& loop, std::function<void(LibvirtEvent)> to);

    /// Makes the thread look at `stop` and `list_wanted`. From any thread.
    void wake_thread() const;

    std::function<void(LibvirtEvent)> deliver;  ///< the loop's only; empty once nobody listens
    UniqueFd wake;
    std::atomic<bool> stop = false;
    std::atomic<bool> list_wanted = false;
    Mailbox<LibvirtEvent> events;
};

/// What the thread does. libvirt's callbacks only note what came; `settle` acts on it from a clean
/// stack, since libvirt forbids much from within a callback.
class WatchThread {
public:
    WatchThread(WatchChannel& channel, std::string uri, Root root, Reconnect rule);
    ~WatchThread();
    WatchThread(const WatchThread&) = delete;
    WatchThread& operator=(const WatchThread&) = delete;

    /// Runs libvirt's event loop until `stop`.
    void run();

private:
    void settle();
    void connect();
    [[nodiscard]] bool subscribe();
    [[nodiscard]] bool may_connect();
    void close_connection();
    void list();
    void try_later();

    void watch_pid_files();
    void pid_files_changed();

    static int on_lifecycle(virConnectPtr, virDomainPtr domain, int, int, void* self) noexcept;
    static void on_close(virConnectPtr, int, void* self) noexcept;
    static void on_wake(int, int, int, void* self) noexcept;
    static void on_pid_files(int, int, int, void* self) noexcept;
    static void on_timer(int, void* self) noexcept;

    WatchChannel& channel_;
    const std::string uri_;
    const Root root_;
    const Reconnect rule_;

    UniqueFd inotify_;
    int wake_handle_ = -1;
    int inotify_handle_ = -1;
    int timer_ = -1;

    virConnectPtr connection_ = nullptr;
    int lifecycle_ = -1;
    bool lost_ = false;        ///< the connection ended, or an event of it was lost
    bool attempt_due_ = true;  ///< the time, or a pid file, says: try now
    int next_delay_ms_ = 0;
    std::optional<pid_t> served_by_;  ///< the daemon of this connection, or of the last one
    std::chrono::steady_clock::time_point left_at_;
};

}  // namespace passthru
