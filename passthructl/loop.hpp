// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "passthructl/bus.hpp"

#include <list>
#include <systemd/sd-event.h>

namespace passthru::ctl {

/// Serves a connection, and signals to this process, until somebody ends it.
class Loop {
public:
    explicit Loop(Bus& bus);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// From now on SIGINT and SIGTERM do this instead of ending the process.
    void on_interrupt(std::function<void()> told);
    /// Serves until `end`; NoDaemon when the bus goes away.
    [[nodiscard]] Exit run();
    void end(Exit exit) { ended_ = exit; }

private:
    static int on_signal(sd_event_source*, const signalfd_siginfo*, void* self);

    Bus& bus_;
    sd_event* event_ = nullptr;
    std::function<void()> interrupted_;
    std::optional<Exit> ended_;
};

}  // namespace passthru::ctl
