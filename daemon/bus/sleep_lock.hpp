// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/bus/sdbus_compat.hpp"

#include <functional>
#include <vector>

namespace passthru {

/// logind's inhibitor locks: the computer neither sleeps nor shuts down while a GPU is half-moved.
/// Without logind, or where polkit does not allow it, nothing is held off.
class SleepLock {
public:
    /// `woke_up` is called each time that the computer has slept.
    SleepLock(BusConnection& bus, std::function<void()> woke_up);

    /// Asks for the locks, or gives them back.
    void hold(bool wanted);

private:
    void ask(const std::string& what);

    bool wanted_ = false;
    int turn_ = 0;  ///< answers to earlier questions are closed as they come
    std::vector<sdbus::UnixFd> locks_;
    std::unique_ptr<sdbus::IProxy> login_;
};

}  // namespace passthru
