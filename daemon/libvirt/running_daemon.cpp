// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/libvirt/running_daemon.hpp"

#include "daemon/loop/unique_fd.hpp"

#include <fcntl.h>

namespace passthru {
namespace {

/// Who holds the lock. Asking for it needs no right to write, and takes nothing.
std::optional<pid_t> lock_holder(const std::filesystem::path& file) {
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return std::nullopt;
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 0;
    lock.l_len = 1;
    if (::fcntl(fd.get(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
    return lock.l_pid;
}

}  // namespace

std::optional<pid_t> running_libvirt_daemon(const Root& root) {
    for (const std::string_view name : pid_file_names) {
        if (const auto pid = lock_holder(root.below(pid_file_folder) / name)) return pid;
    }
    return std::nullopt;
}

}  // namespace passthru
