// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/process_place.hpp"

#include "libpassthru/safety/login_sessions.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace passthru {
namespace {

/// What stands between `prefix` and `suffix`; nothing when the name is not of this kind.
std::optional<std::string_view> between(std::string_view prefix, std::string_view name,
                                        std::string_view suffix) {
    if (name.size() <= prefix.size() + suffix.size()) return std::nullopt;
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) return std::nullopt;
    return name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
}

/// Takes the first name off the path that is no slice; empty at its end. An underscore before a
/// name keeps it from clashing with the kernel's files (cg_escape).
std::string_view next_unit(std::string_view& path) {
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        std::string_view name = path.substr(0, end);
        path.remove_prefix(std::min(end + 1, path.size()));
        if (name.starts_with('_')) name.remove_prefix(1);
        if (!name.empty() && !name.ends_with(".slice")) return name;
    }
    return {};
}

ProcessPlace place_at(const Root& root, std::string_view path) {
    const std::string_view unit = next_unit(path);
    // Below a unit may be anything: the folders of a container or of a VM's threads.
    if (!unit.ends_with(".service") && !unit.ends_with(".scope")) return {};
    ProcessPlace place{std::string(unit), ""};
    if (const auto session = between("session-", unit, ".scope")) {
        place.session = *session;
    } else if (const auto user = between("user@", unit, ".service")) {
        uid_t uid = 0;
        std::from_chars(user->data(), user->data() + user->size(), uid);
        place.session = display_session_of(root, uid);
        if (const std::string_view inner = next_unit(path); !inner.empty()) place.unit = inner;
    }
    return place;
}

}  // namespace

ProcessPlace place_of(const Root& root, pid_t pid) {
    const auto text = read_attribute(root.below("proc") / std::to_string(pid) / "cgroup");
    std::string_view lines = text ? std::string_view(*text) : std::string_view();
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(std::min(end + 1, lines.size()));
        // `0::/path`, and `1:name=systemd:/path` where the old hierarchies are mounted
        // (cgroups(7)).
        const bool is_systemd =
            line.starts_with("0::/") || line.find(":name=systemd:/") != std::string_view::npos;
        if (!is_systemd) continue;
        if (ProcessPlace place = place_at(root, line.substr(line.find('/'))); !place.unit.empty())
            return place;
    }
    return {};
}

}  // namespace passthru
