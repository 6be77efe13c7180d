// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/run.hpp"

#include "passthructl/bus.hpp"
#include "passthructl/columns.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace passthru::ctl {
namespace {

constexpr int not_had = 125;
constexpr int not_run = 126;
constexpr int not_found = 127;

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): for the signal handler
volatile sig_atomic_t child = 0;

void pass_on(int signal) {
    if (child > 0) ::kill(child, signal);
}

int complain(std::string_view message, int status) {
    fmt::print(stderr, "passthructl: {}\n", printable(std::string(message)));
    return status;
}

[[noreturn]] void become(const std::vector<std::string>& command) {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::execvp(words.front(), words.data());
    const int error = errno;
    std::ignore = complain(fmt::format("{} cannot be run: {}", command.front(),
                                       std::generic_category().message(error)),
                           0);
    ::_exit(error == ENOENT ? not_found : not_run);
}

/// Ctrl-C and Ctrl-\ come from the terminal to the command as well, which decides; what is sent to
/// this process alone is passed on to it.
void leave_signals_to_the_command() {
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGQUIT, SIG_IGN);
    std::signal(SIGTERM, pass_on);
    std::signal(SIGHUP, pass_on);
}

int wait_for(pid_t command) {
    int status = 0;
    while (::waitpid(command, &status, 0) < 0) {
        if (errno != EINTR) return not_run;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

int run(const Common& common, const std::string& gpu, const std::vector<std::string>& command) {
    if (common.root) {
        return complain("a GPU of the machine below --root cannot be had", not_had);
    }
    const auto daemon = Daemon::connect();
    if (!daemon) return complain(daemon.error().message, not_had);
    const auto path = (*daemon)->find(gpu);
    if (!path) return complain(path.error().message, not_had);
    const std::string name = std::filesystem::path(command.front()).filename().string();
    const auto lease = (*daemon)->lease(*path, name.substr(0, 100), "passthructl run");
    if (!lease) return complain(lease.error().message, not_had);

    ::setenv("PASSTHRU_GPU", lease->address.c_str(), 1);
    ::setenv("PASSTHRU_NODES", fmt::format("{}", fmt::join(lease->nodes, " ")).c_str(), 1);
    const pid_t pid = ::fork();
    if (pid < 0) return complain("no process can be made", not_run);
    if (pid == 0) become(command);
    child = pid;
    leave_signals_to_the_command();
    return wait_for(pid);
}

}  // namespace passthru::ctl
