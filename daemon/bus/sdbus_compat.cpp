// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/sdbus_compat.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-bus.h>

namespace passthru {
namespace {

/// Neither version tells of the flag ALLOW_INTERACTIVE_AUTHORIZATION, but both keep libsystemd's
/// message in a protected member.
struct Peek : sdbus::Message {
    static sd_bus_message* raw(const sdbus::Message& message) {
        return static_cast<sd_bus_message*>(message.*(&Peek::msg_));
    }
};

Caller caller_of(const sdbus::Message& message) {
    return {message.getSender(),
            sd_bus_message_get_allow_interactive_authorization(Peek::raw(message)) > 0};
}

}  // namespace

sdbus::Error to_dbus(const Error& error) {
#if PASSTHRU_SDBUS_2
    return sdbus::Error(sdbus::Error::Name{dbus_name(error.code)}, error.message);
#else
    return sdbus::Error(dbus_name(error.code), error.message);
#endif
}

#if PASSTHRU_SDBUS_2

using BusName = sdbus::ServiceName;

struct BusConnection::Pump {
    Pump(EventLoop& loop, sdbus::IConnection& connection) : bus(connection) {
        bus.attachSdEventLoop(loop.handle(), 0);
    }
    ~Pump() { bus.detachSdEventLoop(); }
    Pump(const Pump&) = delete;
    Pump& operator=(const Pump&) = delete;
    sdbus::IConnection& bus;
};

Caller caller_of(const sdbus::IObject& object) {
    return caller_of(object.getCurrentlyProcessedMessage());
}

std::unique_ptr<sdbus::IProxy> BusConnection::proxy(
    const std::string& name, const std::string& path,
    const std::function<void(sdbus::IProxy&)>& subscribe) {
    auto proxy =
        sdbus::createProxy(*connection_, sdbus::ServiceName{name}, sdbus::ObjectPath{path});
    if (subscribe) subscribe(*proxy);
    return proxy;
}

#else

using BusName = std::string;

/// 1.2 has no hook for sd-event and hides the descriptor that tells of calls from other threads; we
/// have one thread, so what the connection wants is looked up before each sleep.
struct BusConnection::Pump {
    Pump(EventLoop& event_loop, sdbus::IConnection& connection)
        : loop(event_loop), bus(connection) {
        sd_event_add_io(
            loop.handle(), &io, bus.getEventLoopPollData().fd, EPOLLIN,
            [](sd_event_source*, int, std::uint32_t, void*) { return 0; }, this);
        sd_event_source_set_prepare(io, [](sd_event_source*, void* self) {
            static_cast<Pump*>(self)->serve();
            return 0;
        });
        sd_event_add_time(
            loop.handle(), &timer, CLOCK_MONOTONIC, UINT64_MAX, 1,
            [](sd_event_source*, std::uint64_t, void*) { return 0; }, nullptr);
    }
    ~Pump() {
        sd_event_source_disable_unref(io);
        sd_event_source_disable_unref(timer);
    }
    Pump(const Pump&) = delete;
    Pump& operator=(const Pump&) = delete;

    void serve() noexcept {
        try {
            while (bus.processPendingRequest()) {
            }
            const auto poll = bus.getEventLoopPollData();
            sd_event_source_set_io_events(io, static_cast<std::uint32_t>(poll.events));
            sd_event_source_set_time(timer, poll.timeout_usec);
            sd_event_source_set_enabled(
                timer, poll.timeout_usec == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
        } catch (const std::exception& error) {
            spdlog::error("the connection to the system bus is lost: {}", error.what());
            sd_event_source_set_enabled(io, SD_EVENT_OFF);
            loop.quit(1);
        }
    }

    EventLoop& loop;
    sdbus::IConnection& bus;
    sd_event_source* io = nullptr;
    sd_event_source* timer = nullptr;
};

Caller caller_of(const sdbus::IObject& object) {
    const sdbus::Message* message = object.getCurrentlyProcessedMessage();
    return message == nullptr ? Caller{} : caller_of(*message);
}

std::unique_ptr<sdbus::IProxy> BusConnection::proxy(
    const std::string& name, const std::string& path,
    const std::function<void(sdbus::IProxy&)>& subscribe) {
    auto proxy = sdbus::createProxy(*connection_, name, path);
    if (subscribe) subscribe(*proxy);
    proxy->finishRegistration();
    return proxy;
}

#endif

BusConnection::BusConnection(EventLoop& loop)
    : loop_(loop),
      connection_(sdbus::createSystemBusConnection()),
      pump_(std::make_unique<Pump>(loop, *connection_)),
      bus_daemon_(proxy("org.freedesktop.DBus", "/org/freedesktop/DBus")) {}

BusConnection::~BusConnection() = default;

Departure BusConnection::when_gone(const std::string& client, std::function<void()> gone) {
    struct Watch {
        sdbus::Slot match;
        EventSource soon;
    };
    auto watch = std::make_shared<Watch>();
    const std::string rule = fmt::format(
        "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
        "member='NameOwnerChanged',arg0='{}'",
        client);
    // Whoever is told may destroy the watch, which must not happen within its own callback.
    const auto tell = [this, gone = std::move(gone)](Watch& it) {
        it.soon = loop_.after({}, gone);
    };
    auto heard = [it = watch.get(), tell](const sdbus::Message&) { tell(*it); };
#if PASSTHRU_SDBUS_2
    watch->match = connection_->addMatch(rule, std::move(heard), sdbus::return_slot);
#else
    watch->match = connection_->addMatch(rule, std::move(heard));
#endif
    // Of whoever left before that no signal comes any more.
    bus_daemon_->callMethodAsync("NameHasOwner")
        .onInterface("org.freedesktop.DBus")
        .withArguments(client)
        .uponReplyInvoke([it = std::weak_ptr(watch), tell](AsyncError error, bool is_there) {
            const auto still_watched = it.lock();
            if (still_watched && !error && !is_there) tell(*still_watched);
        });
    return watch;
}

Result<void> BusConnection::take_name(const std::string& name) {
    try {
        connection_->requestName(BusName{name});
        return {};
    } catch (const sdbus::Error& error) {
        return fail(Errc::Failed,
                    fmt::format("the bus name {} cannot be had: {}", name, error.what()));
    }
}

}  // namespace passthru
