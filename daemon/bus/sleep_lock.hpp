// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/bus/sdbus_compat.hpp"

#include <functional>

namespace passthru {

/// logind's inhibitor lock: the computer neither sleeps nor shuts down while a GPU is half-moved.
/// Without logind, or where polkit does not allow it, nothing is held off.
class SleepLock {
public:
    /// `woke_up` is called each time that the computer has slept.
    SleepLock(BusConnection& bus, std::function<void()> woke_up);

    /// Asks for the lock, or gives it back.
    void hold(bool wanted);

private:
    void ask();

    bool wanted_ = false;
    bool asking_ = false;
    std::optional<sdbus::UnixFd> lock_;
    std::unique_ptr<sdbus::IProxy> login_;
};

}  // namespace passthru
