// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>

namespace passthru::libvirt_test {

/// A folder of the test's own, which an ordinary user may use too, and which is gone afterwards.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// A real libvirtd, run as an ordinary user in `folder`: it serves libvirt's test driver to other
/// processes, and has its pid file where the system's libvirtd has it below `/`.
class PrivateLibvirtd {
public:
    explicit PrivateLibvirtd(const std::filesystem::path& folder);
    ~PrivateLibvirtd();
    PrivateLibvirtd(const PrivateLibvirtd&) = delete;
    PrivateLibvirtd& operator=(const PrivateLibvirtd&) = delete;

    /// Where a libvirtd that is run in `folder` answers; with one domain, which runs and is named
    /// `test`.
    [[nodiscard]] static std::string uri(const std::filesystem::path& folder);
    [[nodiscard]] static std::filesystem::path socket(const std::filesystem::path& folder);

    /// Waits until it has ended. SIGTERM is how an administrator stops it, SIGKILL a crash.
    void stop(int signal);

private:
    pid_t process_ = -1;
};

/// A process that holds the lock on the pid file as a libvirt daemon does, and does nothing else.
class LockHolder {
public:
    explicit LockHolder(const std::filesystem::path& pid_file);
    ~LockHolder();
    LockHolder(const LockHolder&) = delete;
    LockHolder& operator=(const LockHolder&) = delete;

    [[nodiscard]] pid_t pid() const { return process_; }

private:
    pid_t process_ = -1;
};

}  // namespace passthru::libvirt_test
