// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/login_sessions.hpp"

#include "libpassthru/safety/folder.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <sys/sysmacros.h>

namespace passthru {
namespace {

/// The value of a line `KEY=value`, also where newer versions quote it; empty when there is none.
std::string_view value_of(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != '=')
            continue;
        line.remove_prefix(key.size() + 1);
        if (line.size() >= 2 && line.front() == '"' && line.back() == '"')
            line = line.substr(1, line.size() - 2);
        return line;
    }
    return {};
}

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
    Number number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

std::vector<dev_t> devices_in(std::string_view words) {
    std::vector<dev_t> devices;
    while (!words.empty()) {
        const std::size_t end = std::min(words.find(' '), words.size());
        const std::string_view word = words.substr(0, end);
        words.remove_prefix(std::min(end + 1, words.size()));
        const std::size_t colon = std::min(word.find(':'), word.size());
        const auto major = number_in<unsigned>(word.substr(0, colon));
        const auto minor = number_in<unsigned>(word.substr(std::min(colon + 1, word.size())));
        if (major && minor) devices.push_back(makedev(*major, *minor));
    }
    return devices;
}

}  // namespace

std::vector<LoginSession> login_sessions(const Root& root) {
    std::vector<LoginSession> sessions;
    const auto folder = root.below("run/systemd/sessions");
    Folder(folder.c_str()).for_each([&](const char* name) {
        // `2.ref` is the pipe by which logind notices that the session ends.
        if (std::strchr(name, '.') != nullptr) return;
        const std::string text = read_attribute(folder / name).value_or("");
        const auto uid = number_in<uid_t>(value_of(text, "UID"));
        const auto leader = number_in<pid_t>(value_of(text, "LEADER"));
        if (!uid || !leader) return;
        sessions.push_back({name, *uid, *leader, std::string(value_of(text, "SCOPE")),
                            devices_in(value_of(text, "DEVICES"))});
    });
    std::ranges::sort(sessions, {}, &LoginSession::id);
    return sessions;
}

std::string display_session_of(const Root& root, uid_t uid) {
    const auto text = read_attribute(root.below("run/systemd/users") / std::to_string(uid));
    return std::string(value_of(text.value_or(""), "DISPLAY"));
}

}  // namespace passthru
