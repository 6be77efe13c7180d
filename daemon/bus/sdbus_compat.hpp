// SPDX-License-Identifier: LGPL-2.1-or-later
// The one place that knows the difference between sdbus-c++ 1.2 (Debian 12) and 2.x (Debian 13).
#pragma once

#include "daemon/loop/event_loop.hpp"
#include "libpassthru/error.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <sdbus-c++/sdbus-c++.h>
#include <string>

namespace passthru {

/// What an asynchronous call's callback gets: testable, with getName() and getMessage() behind an
/// arrow.
#if PASSTHRU_SDBUS_2
using AsyncError = std::optional<sdbus::Error>;
#else
using AsyncError = const sdbus::Error*;
#endif

[[nodiscard]] sdbus::Error to_dbus(const Error& error);

/// Waits for a client to leave the bus.
using Departure = std::shared_ptr<void>;

/// A connection to the system bus that is served by the loop. When the bus goes away the loop is
/// ended with status 1, so that systemd starts the daemon anew.
class BusConnection {
public:
    explicit BusConnection(EventLoop& loop);
    ~BusConnection();
    BusConnection(const BusConnection&) = delete;
    BusConnection& operator=(const BusConnection&) = delete;

    [[nodiscard]] sdbus::IConnection& get() { return *connection_; }
    /// Failed when another process has the name.
    [[nodiscard]] Result<void> take_name(const std::string& name);
    /// `subscribe` may ask for signals: 1.2 takes that only before the proxy is complete.
    [[nodiscard]] std::unique_ptr<sdbus::IProxy> proxy(
        const std::string& name, const std::string& path,
        const std::function<void(sdbus::IProxy&)>& subscribe = {});
    /// Calls `gone`, from the loop, when the client with this unique name leaves the bus or has
    /// left it; not after the Departure was destroyed.
    [[nodiscard]] Departure when_gone(const std::string& client, std::function<void()> gone);

private:
    struct Pump;
    EventLoop& loop_;
    std::unique_ptr<sdbus::IConnection> connection_;
    std::unique_ptr<Pump> pump_;
    std::unique_ptr<sdbus::IProxy> bus_daemon_;
};

/// Who sent the message that `object` is serving now, and whether he allows a prompt for a
/// password.
struct Caller {
    std::string sender;
    bool interactive = false;
};
[[nodiscard]] Caller caller_of(const sdbus::IObject& object);

}  // namespace passthru
