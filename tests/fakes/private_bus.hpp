// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>

namespace passthru::fakes {

/// A dbus-daemon of the test's own, in a temporary folder. Everybody may do everything on it. Its
/// activation file for org.passthru1 names a program that does not exist, so that starting it fails
/// as for a broken unit.
class PrivateBus {
public:
    PrivateBus();
    ~PrivateBus();
    PrivateBus(const PrivateBus&) = delete;
    PrivateBus& operator=(const PrivateBus&) = delete;

    [[nodiscard]] const std::string& address() const { return address_; }
    void make_activatable() const;

private:
    std::filesystem::path folder_;
    pid_t daemon_ = -1;
    std::string address_;
};

}  // namespace passthru::fakes
