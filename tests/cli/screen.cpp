// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/cli/screen.hpp"

#include "tests/fakes/terminal.hpp"

#include <algorithm>
#include <sstream>

namespace passthru {

std::vector<std::string> screen_of(const std::vector<std::string>& command,
                                   unsigned short columns) {
    fakes::Running program(command, fakes::Running::Output::Terminal, columns);
    program.wait();
    std::string text = program.printed();
    std::erase(text, '\r');
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

std::size_t columns_of(const std::string& line) {
    return static_cast<std::size_t>(
        std::ranges::count_if(line, [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace passthru
