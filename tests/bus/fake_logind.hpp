// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <systemd/sd-bus.h>

namespace passthru::bus_test {

/// Owns org.freedesktop.login1 on a bus. Answers nobody: who asks it for a lock has none yet.
class FakeLogind {
public:
    explicit FakeLogind(const std::string& address);
    ~FakeLogind();
    FakeLogind(const FakeLogind&) = delete;
    FakeLogind& operator=(const FakeLogind&) = delete;

    /// Says PrepareForSleep; whatever is sent over the bus after this comes after it.
    void say_sleep_begins() { say(1); }
    void say_sleep_is_over() { say(0); }

private:
    void say(int begins);

    sd_bus* bus_ = nullptr;
};

}  // namespace passthru::bus_test
