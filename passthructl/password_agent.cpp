// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/password_agent.hpp"

#include <csignal>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <tuple>
#include <unistd.h>

namespace passthru::ctl {
namespace {

bool is_wanted() {
    return ::geteuid() != 0 && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

[[noreturn]] void become_agent(pid_t client, int ready) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    const std::string process = std::to_string(client);
    const std::string descriptor = std::to_string(ready);
    // With --fallback the agent of a graphical session goes first.
    ::execlp("pkttyagent", "pkttyagent", "--process", process.c_str(), "--notify-fd",
             descriptor.c_str(), "--fallback", nullptr);
    ::_exit(127);
}

/// pkttyagent closes the descriptor when it is registered; so does its end.
void wait_until_registered(int closed) {
    constexpr int limit_ms = 5000;
    pollfd waits{closed, POLLIN, 0};
    std::ignore = ::poll(&waits, 1, limit_ms);
}

}  // namespace

PasswordAgent::PasswordAgent() {
    int ends[2];
    if (!is_wanted() || ::pipe(ends) != 0) return;
    const pid_t self = ::getpid();
    agent_ = ::fork();
    if (agent_ == 0) {
        ::close(ends[0]);
        become_agent(self, ends[1]);
    }
    ::close(ends[1]);
    wait_until_registered(ends[0]);
    ::close(ends[0]);
}

PasswordAgent::~PasswordAgent() {
    if (agent_ <= 0) return;
    ::kill(agent_, SIGTERM);
    // One that is stopped by the terminal must hear it as well.
    ::kill(agent_, SIGCONT);
    ::waitpid(agent_, nullptr, 0);
}

}  // namespace passthru::ctl
