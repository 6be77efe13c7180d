// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/wait_place.hpp"

#include "libpassthru/safety/running_process.hpp"

#include <fmt/format.h>
#include <sstream>
#include <unistd.h>
#include <vector>

namespace passthru {
namespace {

/// `[<0>] msleep+0x2d/0x40` on each line.
std::vector<std::string> functions_of_stack(const std::string& text) {
    constexpr std::size_t most = 8;
    std::vector<std::string> functions;
    std::istringstream lines(text);
    for (std::string line; functions.size() < most && std::getline(lines, line);) {
        const std::size_t begin = line.find("] ");
        if (begin == std::string::npos) continue;
        const std::size_t end = line.find('+', begin);
        functions.push_back(
            line.substr(begin + 2, end == std::string::npos ? end : end - begin - 2));
    }
    return functions;
}

}  // namespace

std::string wait_place(const Root& root, pid_t pid) {
    const auto process = root.below(fmt::format("proc/{}", pid));
    const auto functions = functions_of_stack(read_attribute(process / "stack").value_or(""));
    if (!functions.empty()) return fmt::format("{}", fmt::join(functions, " ← "));
    const std::string innermost = read_attribute(process / "wchan").value_or("0");
    return innermost == "0" ? "" : innermost;
}

WorkerProcess own_process() {
    const pid_t pid = ::getpid();
    return {pid, start_time(Root("/"), pid).value_or(0)};
}

}  // namespace passthru
