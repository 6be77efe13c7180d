// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/problem.hpp"

#include <algorithm>
#include <array>

namespace passthru::ctl {
namespace {

Exit exit_for(Errc code) {
    switch (code) {
        case Errc::InvalidArgs: return Exit::Usage;
        case Errc::NoSuchGpu: return Exit::NotFound;
        case Errc::AccessDenied:
        case Errc::InteractiveAuthorizationRequired: return Exit::Denied;
        case Errc::Cancelled: return Exit::Cancelled;
        case Errc::Failed: return Exit::Failed;
        default: return Exit::Refused;
    }
}

/// What the bus or the connection says instead of passthrud.
bool is_of_the_bus(std::string_view name) {
    constexpr std::string_view prefix = "org.freedesktop.DBus.Error.";
    constexpr std::array names{"ServiceUnknown", "NameHasNoOwner", "NoServer",
                               "NoReply",        "Disconnected",   "TimedOut"};
    if (name.starts_with("org.freedesktop.systemd1.")) return true;
    if (!name.starts_with(prefix)) return false;
    const std::string_view last = name.substr(prefix.size());
    return last.starts_with("Spawn.") || std::ranges::find(names, last) != names.end();
}

}  // namespace

Problem problem_of(const Error& error) {
    return {exit_for(error.code), dbus_name(error.code), error.message};
}

Problem problem_of(std::string_view name, std::string message) {
    if (name.ends_with(".ServiceUnknown") || name.ends_with(".NameHasNoOwner")) {
        message = "passthrud does not run: “systemctl start passthrud” starts it";
    } else if (name.ends_with(".NoReply")) {
        message = "passthrud ended or did not answer: “systemctl status passthrud” tells more";
    }
    const Exit exit = is_of_the_bus(name)
                          ? Exit::NoDaemon
                          : exit_for(errc_from_name(name.substr(name.rfind('.') + 1)));
    return {exit, std::string(name), std::move(message)};
}

}  // namespace passthru::ctl
