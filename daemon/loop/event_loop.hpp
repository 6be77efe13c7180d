// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <sys/types.h>
#include <systemd/sd-event.h>

namespace passthru {

/// Something that the loop watches; destroying it ends the watching, also from within its own
/// callback.
class EventSource {
public:
    EventSource() = default;

private:
    friend class EventLoop;
    struct State;
    struct Delete {
        void operator()(State* state) const;
    };
    explicit EventSource(std::unique_ptr<State, Delete> state) : state_(std::move(state)) {}
    std::unique_ptr<State, Delete> state_;
};

/// The daemon's one loop, over sd-event. Every callback runs on the thread that calls `run`; none
/// may block. An exception that leaves a callback is logged and goes no further.
class EventLoop {
public:
    using Callback = std::function<void()>;

    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Calls `ready` whenever `fd` has one of `events` (EPOLLIN, EPOLLOUT …). The descriptor stays
    /// the caller's.
    [[nodiscard]] EventSource watch(int fd, std::uint32_t events,
                                    std::function<void(std::uint32_t events)> ready);
    /// Calls `elapsed` once, after `delay`.
    [[nodiscard]] EventSource after(std::chrono::microseconds delay, Callback elapsed);
    /// Calls `action` once, in the next turn of the loop.
    [[nodiscard]] EventSource soon(Callback action);
    /// Calls `arrived` for each `signal`, which is blocked for the process.
    [[nodiscard]] EventSource on_signal(int signal, Callback arrived);

    /// Pings systemd's watchdog when WatchdogSec= is set in the unit.
    void enable_watchdog();

    /// Runs until `quit`. Returns the exit status given there.
    [[nodiscard]] int run();
    void quit(int status);

    [[nodiscard]] sd_event* handle() const { return event_; }

private:
    sd_event* event_ = nullptr;
};

}  // namespace passthru
