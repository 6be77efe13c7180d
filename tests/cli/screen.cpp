// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/cli/screen.hpp"

#include <algorithm>
#include <cerrno>
#include <pty.h>
#include <sstream>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace passthru {

std::vector<std::string> screen_of(const std::vector<std::string>& command,
                                   unsigned short columns) {
    std::vector<std::string> words = command;
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const winsize size{24, columns, 0, 0};
    int terminal = -1;
    const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
    if (child < 0) throw std::system_error(errno, std::generic_category(), "forkpty");
    if (child == 0) {
        ::execv(arguments[0], arguments.data());
        ::_exit(99);
    }
    std::string text;
    char buffer[4096];
    // The end of a terminal's last program is EIO.
    for (ssize_t got = 0; (got = ::read(terminal, buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(terminal);
    ::waitpid(child, nullptr, 0);
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
