// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/loop.hpp"

#include <csignal>
#include <cstring>
#include <stdexcept>

namespace passthru::ctl {
namespace {

void require(int result) {
    if (result < 0) throw std::runtime_error(std::strerror(-result));
}

}  // namespace

Loop::Loop(Bus& bus) : bus_(bus) {
    require(sd_event_new(&event_));
    require(sd_bus_attach_event(bus_.get(), event_, SD_EVENT_PRIORITY_NORMAL));
}

Loop::~Loop() {
    sd_bus_detach_event(bus_.get());
    sd_event_unref(event_);
}

void Loop::on_interrupt(std::function<void()> told) {
    interrupted_ = std::move(told);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    for (const int signal : {SIGINT, SIGTERM}) {
        require(sd_event_add_signal(event_, nullptr, signal, on_signal, this));
    }
}

Exit Loop::run() {
    // Not sd_event_exit, which would close the connection as well.
    while (!ended_ && sd_bus_is_open(bus_.get()) > 0) require(sd_event_run(event_, UINT64_MAX));
    return ended_.value_or(Exit::NoDaemon);
}

int Loop::on_signal(sd_event_source*, const signalfd_siginfo*, void* self) {
    static_cast<Loop*>(self)->interrupted_();
    return 0;
}

}  // namespace passthru::ctl
