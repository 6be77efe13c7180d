// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bus/ordinary_user.hpp"

#include <exception>
#include <sys/wait.h>
#include <system_error>
#include <tuple>
#include <unistd.h>

namespace passthru::bus_test {
namespace {

constexpr uid_t nobody = 65534;

std::string done_as_nobody(const std::function<std::string()>& deed) {
    if (::setgid(nobody) != 0 || ::setuid(nobody) != 0) return "not run";
    try {
        return deed();
    } catch (const std::exception& error) {
        return std::string("no bus\n") + error.what();
    }
}

}  // namespace

std::string as_nobody(const std::function<std::string()>& deed) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::system_error(errno, std::generic_category());
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        const std::string text = done_as_nobody(deed);
        std::ignore = ::write(ends[1], text.data(), text.size());
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return text;
}

}  // namespace passthru::bus_test
