// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/terminal.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <pty.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utmp.h>

namespace passthru::fakes {
namespace {

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

[[noreturn]] void become(const std::vector<std::string>& command) {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::setenv("TERM", "xterm", 1);
    ::execv(words[0], words.data());
    ::_exit(99);
}

/// What is never printed; the test writes it behind the last word of a program that has ended.
constexpr char end_mark = '\x1c';

}  // namespace

Running::Running(const std::vector<std::string>& command, Output output, unsigned short columns) {
    int inner = -1;
    if (output == Output::Terminal) {
        const winsize size{24, columns, 0, 0};
        if (::openpty(&output_, &inner, nullptr, nullptr, &size) != 0) fail("openpty");
    } else {
        int ends[2];
        if (::pipe(ends) != 0) fail("pipe");
        output_ = ends[0];
        inner = ends[1];
    }
    child_ = ::fork();
    if (child_ < 0) fail("fork");
    if (child_ == 0) {
        ::close(output_);
        if (output == Output::Terminal) {
            ::login_tty(inner);
        } else {
            ::dup2(inner, STDOUT_FILENO);
            ::dup2(inner, STDERR_FILENO);
            ::close(inner);
        }
        become(command);
    }
    inner_ = inner;
    end_ = static_cast<int>(::syscall(SYS_pidfd_open, child_, 0));
}

Running::~Running() {
    if (child_ > 0) {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    for (const int descriptor : {output_, inner_, end_}) ::close(descriptor);
}

/// A terminal whose last program has ended may lose what was not read yet, so it is kept open here
/// until the mark has come through.
bool Running::read_more() {
    constexpr int patience = 30'000;
    if (printed_.ends_with(end_mark)) return false;
    pollfd waits[]{{output_, POLLIN, 0}, {marked_ ? -1 : end_, POLLIN, 0}};
    if (::poll(waits, 2, patience) <= 0) return false;
    if (waits[1].revents != 0) {
        marked_ = true;
        return ::write(inner_, &end_mark, 1) == 1;
    }
    char buffer[4096];
    const ssize_t got = ::read(output_, buffer, sizeof buffer);
    if (got <= 0) return false;
    printed_.append(buffer, static_cast<std::size_t>(got));
    return true;
}

bool Running::wait_to_print(const std::string& part) {
    std::size_t found = 0;
    while ((found = printed_.find(part, looked_at_)) == std::string::npos) {
        if (!read_more()) return false;
    }
    looked_at_ = found + part.size();
    return true;
}

void Running::type(const std::string& keys) const {
    if (::write(output_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size())) {
        fail("write");
    }
}

void Running::send(int signal) const {
    ::kill(child_, signal);
}

int Running::wait() {
    while (read_more()) {
    }
    if (printed_.ends_with(end_mark)) printed_.pop_back();
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace passthru::fakes
