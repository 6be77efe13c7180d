// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/worker_socket.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace passthru {
namespace {

Result<UniqueFd> connect_to(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.string().size() >= sizeof address.sun_path) {
        return fail(Errc::Failed, "the worker's socket has too long a name");
    }
    std::memcpy(address.sun_path, path.c_str(), path.string().size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (!fd || ::connect(fd.get(), generic, sizeof address) != 0) {
        return fail(
            Errc::Failed,
            fmt::format("passthru-worker cannot be reached at {}: {}; see “systemctl status "
                        "passthru-worker.socket”",
                        path.string(), std::strerror(errno)),
            errno);
    }
    return fd;
}

/// A worker of our own. It is not waited for: one that hangs in the kernel may never end.
Result<UniqueFd> spawn(const WorkerAccess& access) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return fail(Errc::Failed, std::strerror(errno), errno);
    }
    UniqueFd ours(pair[0]);
    const UniqueFd theirs(pair[1]);
    ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs.get(), 0);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

    std::vector<std::string> words{access.program.string()};
    words.insert(words.end(), access.arguments.begin(), access.arguments.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int error = ::posix_spawn(&child, access.program.c_str(), &actions, &attributes,
                                    arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        return fail(
            Errc::Failed,
            fmt::format("{} cannot be started: {}", access.program.string(), std::strerror(error)),
            error);
    }
    return ours;
}

Result<UniqueFd> open_worker(const WorkerAccess& access) {
    return access.socket.empty() ? spawn(access) : connect_to(access.socket);
}

}  // namespace

Result<UniqueFd> send_to_worker(const WorkerAccess& access, const std::string& message) {
    auto worker = open_worker(access);
    if (!worker) return worker;
    if (::send(worker->get(), message.data(), message.size(), MSG_NOSIGNAL) >= 0) return worker;
    return fail(Errc::Failed,
                fmt::format("passthru-worker did not take its task: {}", std::strerror(errno)),
                errno);
}

}  // namespace passthru
