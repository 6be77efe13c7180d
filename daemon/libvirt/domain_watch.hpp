// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/loop/event_loop.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace passthru {

/// libvirt answers, and from now on every change of a domain is told. What happened before is not:
/// ask `list_active`.
struct LibvirtConnected {
    bool operator==(const LibvirtConnected&) const = default;
};

/// The connection is lost. Domains may go on running.
struct LibvirtGone {
    bool operator==(const LibvirtGone&) const = default;
};

/// Something changed in the life of this domain: started, stopped, crashed, undefined … What, is
/// seen in `list_active`. A start that fails and a domain that died while libvirt was away make no
/// event at all.
struct DomainEvent {
    std::string uuid;
    bool operator==(const DomainEvent&) const = default;
};

/// The domains that run, also those that are being started or stopped.
struct ActiveDomains {
    std::vector<std::pair<std::string, std::string>> domains;  ///< uuid and name
    /// Taken right before libvirt was asked: what happened later may or may not be in the answer.
    std::chrono::steady_clock::time_point asked_at;
    bool operator==(const ActiveDomains&) const = default;
};

using LibvirtEvent = std::variant<LibvirtConnected, LibvirtGone, DomainEvent, ActiveDomains>;

/// When a lost or refused connection is tried again.
enum class Reconnect {
    WhileDaemonRuns,  ///< only while libvirtd or virtqemud runs: connecting to the socket of one
                      ///< that was stopped starts it
    Always,           ///< with a back-off of 0.2 s to 5 s
};

/// `WhileDaemonRuns` for qemu:///system, else `Always`.
[[nodiscard]] Reconnect reconnect_rule(const std::string& uri);

struct WatchChannel;

/// Listens to libvirt through a read-only connection, in a thread of its own, since a call to
/// libvirt may block: while a domain is being started, which includes the run of our own hook,
/// every call that looks at that domain waits. So whoever serves the hook must not wait for an
/// answer from here.
///
/// It never starts a libvirt daemon that the administrator stopped, and notices at once when one
/// comes up. Only one may exist in a process at a time: libvirt has one event loop for all.
class DomainWatch {
public:
    /// Starts to connect. `deliver` gets the events in the loop, in their order; the state before
    /// the first one is "gone". `root` is where run/libvirtd.pid and run/virtqemud.pid are looked
    /// for.
    DomainWatch(EventLoop& loop, const std::string& uri, const Root& root,
                std::function<void(LibvirtEvent)> deliver);
    DomainWatch(EventLoop& loop, const std::string& uri, const Root& root, Reconnect rule,
                std::function<void(LibvirtEvent)> deliver);
    /// Ends the thread, and waits 2 s for that at most. A thread that hangs in libvirt is left
    /// behind with all that it uses; it does nothing more when libvirt lets it go. Must not be
    /// called from within `deliver`. After it nothing is delivered.
    ~DomainWatch();
    DomainWatch(const DomainWatch&) = delete;
    DomainWatch& operator=(const DomainWatch&) = delete;

    /// Asks which domains are active; `ActiveDomains` is delivered later. Several wishes may get
    /// one answer, whose `asked_at` is later than each of them. Without a connection the wish waits
    /// for one.
    void list_active();

private:
    std::shared_ptr<WatchChannel> channel_;
    std::future<void> ended_;
    std::thread thread_;
};

}  // namespace passthru
