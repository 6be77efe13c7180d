// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/libvirt/private_libvirtd.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <grp.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tuple>
#include <unistd.h>

namespace passthru::libvirt_test {
namespace {

/// The user `nobody` of every Linux; a libvirtd of root would be the system's.
constexpr uid_t nobody = 65534;

void become_ordinary_user() {
    if (::getuid() != 0) return;
    if (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0 ||
        ::setresuid(nobody, nobody, nobody) != 0) {
        ::_exit(98);
    }
}

pid_t spawn(auto child) {
    const pid_t process = ::fork();
    if (process < 0) throw std::runtime_error("fork");
    if (process == 0) {
        child();
        ::_exit(99);
    }
    return process;
}

void end(pid_t& process, int signal) {
    if (process < 0) return;
    ::kill(process, signal);
    ::waitpid(process, nullptr, 0);
    process = -1;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "passthru-libvirt-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
    std::filesystem::create_directory(path_ / "run");
    for (const auto& folder : {path_, path_ / "run"}) ::chmod(folder.c_str(), 0777);
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
}

PrivateLibvirtd::PrivateLibvirtd(const std::filesystem::path& folder) {
    const std::string config = folder / "libvirtd.conf";
    std::ofstream(config) << "unix_sock_dir = \"" << folder.string() << "\"\n"
                          << "auth_unix_ro = \"none\"\nauth_unix_rw = \"none\"\n"
                          << "log_outputs = \"1:file:" << (folder / "log").string() << "\"\n";
    process_ = spawn([&] {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        become_ordinary_user();
        const std::string pid_file = folder / "run" / "libvirtd.pid";
        for (const char* const name :
             {"HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"}) {
            ::setenv(name, folder.c_str(), 1);
        }
        ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);
        ::execl(PASSTHRU_LIBVIRTD, "libvirtd", "-f", config.c_str(), "--pid-file", pid_file.c_str(),
                nullptr);
    });
}

PrivateLibvirtd::~PrivateLibvirtd() {
    end(process_, SIGKILL);
}

std::filesystem::path PrivateLibvirtd::socket(const std::filesystem::path& folder) {
    return folder / "libvirt-sock";
}

std::string PrivateLibvirtd::uri(const std::filesystem::path& folder) {
    return "test+unix:///default?socket=" + socket(folder).string();
}

void PrivateLibvirtd::stop(int signal) {
    end(process_, signal);
}

LockHolder::LockHolder(const std::filesystem::path& pid_file) {
    int locked[2];
    if (::pipe(locked) != 0) throw std::runtime_error("pipe");
    process_ = spawn([&] {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int file = ::open(pid_file.c_str(), O_WRONLY | O_CREAT, 0644);
        struct flock lock{};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        lock.l_len = 1;
        if (::fcntl(file, F_SETLK, &lock) != 0) return;
        std::ignore = ::write(file, "1\n", 2);
        std::ignore = ::write(locked[1], "1", 1);
        for (;;) ::pause();
    });
    ::close(locked[1]);
    char byte = 0;
    const bool done = ::read(locked[0], &byte, 1) == 1;
    ::close(locked[0]);
    if (!done) throw std::runtime_error("the pid file could not be locked");
}

LockHolder::~LockHolder() {
    end(process_, SIGKILL);
}

}  // namespace passthru::libvirt_test
