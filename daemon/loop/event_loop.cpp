// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/loop/event_loop.hpp"

#include <csignal>
#include <spdlog/spdlog.h>
#include <stdexcept>
#include <string>

namespace passthru {

/// What sd-event's callbacks get. The function is shared with the call that is under way, so that a
/// callback may destroy its own source.
struct EventSource::State {
    sd_event_source* source = nullptr;
    std::shared_ptr<std::function<void(std::uint32_t)>> callback;
};

void EventSource::Delete::operator()(State* state) const {
    sd_event_source_disable_unref(state->source);
    delete state;
}

namespace {

using Shared = std::shared_ptr<std::function<void(std::uint32_t)>>;

int call(void* data, std::uint32_t events) {
    const Shared callback = *static_cast<Shared*>(data);
    try {
        (*callback)(events);
    } catch (const std::exception& error) {
        spdlog::error("unexpected: {}", error.what());
    }
    return 0;
}

int on_io(sd_event_source*, int, std::uint32_t events, void* data) {
    return call(data, events);
}
int on_time(sd_event_source*, std::uint64_t, void* data) {
    return call(data, 0);
}
int on_plain(sd_event_source*, void* data) {
    return call(data, 0);
}
int on_signal_event(sd_event_source*, const signalfd_siginfo*, void* data) {
    return call(data, 0);
}

void require(int result, const char* what) {
    if (result < 0) throw std::runtime_error(std::string(what) + " failed");
}

}  // namespace

EventLoop::EventLoop() {
    require(sd_event_default(&event_), "sd_event_default");
}

EventLoop::~EventLoop() {
    sd_event_unref(event_);
}

EventSource EventLoop::watch(int fd, std::uint32_t events,
                             std::function<void(std::uint32_t)> ready) {
    std::unique_ptr<EventSource::State, EventSource::Delete> state(new EventSource::State);
    state->callback = std::make_shared<std::function<void(std::uint32_t)>>(std::move(ready));
    require(sd_event_add_io(event_, &state->source, fd, events, on_io, &state->callback),
            "sd_event_add_io");
    return EventSource(std::move(state));
}

EventSource EventLoop::after(std::chrono::microseconds delay, Callback elapsed) {
    std::unique_ptr<EventSource::State, EventSource::Delete> state(new EventSource::State);
    state->callback = std::make_shared<std::function<void(std::uint32_t)>>(
        [elapsed = std::move(elapsed)](std::uint32_t) { elapsed(); });
    require(sd_event_add_time_relative(event_, &state->source, CLOCK_MONOTONIC,
                                       static_cast<std::uint64_t>(delay.count()), 0, on_time,
                                       &state->callback),
            "sd_event_add_time_relative");
    return EventSource(std::move(state));
}

EventSource EventLoop::soon(Callback action) {
    std::unique_ptr<EventSource::State, EventSource::Delete> state(new EventSource::State);
    state->callback = std::make_shared<std::function<void(std::uint32_t)>>(
        [action = std::move(action)](std::uint32_t) { action(); });
    require(sd_event_add_defer(event_, &state->source, on_plain, &state->callback),
            "sd_event_add_defer");
    return EventSource(std::move(state));
}

EventSource EventLoop::on_signal(int signal, Callback arrived) {
    std::unique_ptr<EventSource::State, EventSource::Delete> state(new EventSource::State);
    state->callback = std::make_shared<std::function<void(std::uint32_t)>>(
        [arrived = std::move(arrived)](std::uint32_t) { arrived(); });
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    require(sd_event_add_signal(event_, &state->source, signal, on_signal_event, &state->callback),
            "sd_event_add_signal");
    return EventSource(std::move(state));
}

void EventLoop::enable_watchdog() {
    require(sd_event_set_watchdog(event_, 1), "sd_event_set_watchdog");
}

int EventLoop::run() {
    return sd_event_loop(event_);
}

void EventLoop::quit(int status) {
    sd_event_exit(event_, status);
}

}  // namespace passthru
