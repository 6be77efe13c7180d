// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/running_process.hpp"

#include <fmt/format.h>
#include <sstream>

namespace passthru {

std::optional<std::uint64_t> start_time(const Root& root, pid_t pid) {
    const auto text = read_attribute(root.below(fmt::format("proc/{}/stat", pid)));
    // The second field is the name in parentheses, which may hold both spaces and parentheses.
    const std::size_t name_end = text ? text->rfind(") ") : std::string::npos;
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream fields(text->substr(name_end + 2));
    std::string field;
    for (int number = 3; number < 22; ++number) fields >> field;
    std::uint64_t ticks = 0;
    if (!(fields >> ticks)) return std::nullopt;
    return ticks;
}

}  // namespace passthru
