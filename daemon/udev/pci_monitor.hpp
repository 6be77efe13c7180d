// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/loop/event_loop.hpp"
#include "libpassthru/error.hpp"

#include <functional>
#include <memory>

namespace passthru {

/// Tells that something changed among the machine's PCI functions: one appeared, went away, or
/// changed its driver. It does not tell what; the kernel is asked for that anyway. Writing
/// `driver_override` makes no event.
class PciMonitor {
public:
    /// Calls `changed` at most once in each turn of the loop, also when messages were lost. Events
    /// are those that udev has finished with, so that names and permissions are settled. Where udev
    /// does not run there are none, and no error either. Failed when the kernel gives no netlink
    /// socket, as in some containers.
    [[nodiscard]] static Result<std::unique_ptr<PciMonitor>> open(EventLoop& loop,
                                                                  std::function<void()> changed);
    ~PciMonitor();
    PciMonitor(const PciMonitor&) = delete;
    PciMonitor& operator=(const PciMonitor&) = delete;

private:
    struct Handles;
    PciMonitor(std::unique_ptr<Handles> handles, std::function<void()> changed);
    void drain();

    std::unique_ptr<Handles> handles_;
    std::function<void()> changed_;
    EventSource source_;
};

}  // namespace passthru
