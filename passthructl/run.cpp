// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/answering.hpp"
#include "passthructl/columns.hpp"
#include "passthructl/daemon.hpp"

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

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): for the signal handler
volatile sig_atomic_t child = 0;

void pass_on(int signal) {
    if (child > 0) ::kill(child, signal);
}

/// The command's standard error is its own; this process says only why there is no command.
Exit not_begun(const Common& common, const Problem& problem) {
    std::ignore = complain(common, problem);
    return Exit::NotBorrowed;
}

[[noreturn]] void become(const std::vector<std::string>& command) {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::execvp(words.front(), words.data());
    const int error = errno;
    fmt::print(stderr, "passthructl: {} cannot be run: {}\n", printable(command.front()),
               std::generic_category().message(error));
    ::_exit(static_cast<int>(error == ENOENT ? Exit::NoCommand : Exit::NotRun));
}

/// Ctrl-C and Ctrl-\ come from the terminal to the command as well, which decides; what is sent to
/// this process alone is passed on to it.
void leave_signals_to_the_command() {
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGQUIT, SIG_IGN);
    std::signal(SIGTERM, pass_on);
    std::signal(SIGHUP, pass_on);
}

Exit wait_for(pid_t command) {
    int status = 0;
    while (::waitpid(command, &status, 0) < 0) {
        if (errno != EINTR) return Exit::NotRun;
    }
    return static_cast<Exit>(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

}  // namespace

Exit run(const Common& common, const std::string& gpu, const Taking& taking,
         const std::vector<std::string>& command) {
    if (common.root) return not_begun(common, not_of_a_copy("run"));
    if (common.bus.host) return not_begun(common, not_of_a_host("run"));
    auto daemon = Daemon::connect(common.bus);
    if (!daemon) return not_begun(common, daemon.error());
    const auto path = daemon->find(gpu);
    if (!path) return not_begun(common, path.error());
    const auto agent = password_agent(common);
    const std::string name = std::filesystem::path(command.front()).filename().string();
    const Bus::Message call = daemon->bus().create({*path, gpu_interface, "Lease"});
    sd_bus_message_append(call.get(), "ss", name.substr(0, 100).c_str(), "passthructl run");
    sd_bus_message_open_container(call.get(), 'a', "{sv}");
    append(call.get(), taking);
    sd_bus_message_close_container(call.get());
    // The first value is the lease, which nobody closes here: the command inherits it.
    const auto lease = daemon->bus().call_patiently(call);
    if (!lease) return not_begun(common, lease.error());

    const auto nodes = lease->at(1).get<std::vector<std::string>>();
    ::setenv("PASSTHRU_GPU", address_of(*path).c_str(), 1);
    ::setenv("PASSTHRU_NODES", fmt::format("{}", fmt::join(nodes, " ")).c_str(), 1);
    const pid_t pid = ::fork();
    if (pid < 0) return Exit::NotRun;
    if (pid == 0) become(command);
    child = pid;
    leave_signals_to_the_command();
    return wait_for(pid);
}

}  // namespace passthru::ctl
