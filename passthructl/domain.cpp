// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/domain.hpp"

#include "libpassthru/hostdev/domain_xml.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace passthru::ctl {
namespace {

constexpr int not_found = 127;

Problem wrong_use(std::string message) {
    return problem_of(Error{Errc::InvalidArgs, std::move(message), 0});
}

/// Everything until its end, and one byte more than a domain may have of what is longer.
std::string read_all(int fd) {
    std::string text;
    std::array<char, 65536> buffer{};
    while (text.size() <= max_domain_xml) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
}

Answer<std::string> read_file(const std::string& file) {
    const int fd = file == "-" ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return std::unexpected(wrong_use(
            fmt::format("{} cannot be read: {}", file, std::generic_category().message(errno))));
    }
    std::string text = read_all(fd);
    if (fd != STDIN_FILENO) ::close(fd);
    return text;
}

/// Reading domains needs no right on the computer itself; from another one it comes as libvirt has
/// it, over ssh.
Answer<std::string> ask_virsh(const std::string& vm, const std::optional<std::string>& host) {
    const std::string uri = host ? fmt::format("qemu+ssh://{}/system", *host) : "qemu:///system";
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return std::unexpected(
            problem_of(Error{Errc::Failed, std::generic_category().message(errno), errno}));
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDOUT_FILENO);
        ::execlp("virsh", "virsh", "--quiet", "--readonly", "--connect", uri.c_str(), "dumpxml",
                 "--inactive", "--", vm.c_str(), nullptr);
        ::_exit(not_found);
    }
    ::close(ends[1]);
    std::string text = read_all(ends[0]);
    ::close(ends[0]);
    int status = -1;
    while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (status == 0) return text;
    if (WIFEXITED(status) && WEXITSTATUS(status) == not_found) {
        return std::unexpected(wrong_use(
            "virsh, which knows the VM's XML, is not installed: give it in a file, as NAME.xml"));
    }
    return std::unexpected(wrong_use(fmt::format(
        "virsh gives no XML of a VM “{}”: see “virsh --connect {} list --all”", vm, uri)));
}

}  // namespace

Answer<std::string> domain_xml(const std::string& vm, const std::optional<std::string>& host) {
    const bool is_file = vm == "-" || vm.ends_with(".xml") || vm.contains('/');
    return is_file ? read_file(vm) : ask_virsh(vm, host);
}

}  // namespace passthru::ctl
