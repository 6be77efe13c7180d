// SPDX-License-Identifier: LGPL-2.1-or-later

// passthru-hook, the first of two stages. It runs at every start and stop of every domain, and most
// of them have no device of the host. So it is linked with libc alone and only looks for words; the
// second stage, with a parser of XML and D-Bus, takes twice as long to load and is run when one was
// found.

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

/// As libpassthru/hostdev/domain_xml.hpp: one byte more is read, so that the second stage sees that
/// it is too long.
constexpr std::size_t max_xml = 4UZ * 1024 * 1024;

/// Each way to give a domain a PCI function has one of these in it.
constexpr const char* words[] = {"hostdev", "nvme", "vfio"};

char xml[max_xml + 1];  // pages that are not written to cost nothing

std::size_t read_all() {
    std::size_t length = 0;
    while (length < sizeof xml) {
        const ssize_t got = ::read(STDIN_FILENO, xml + length, sizeof xml - length);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        length += static_cast<std::size_t>(got);
    }
    return length;
}

bool may_concern_us(std::size_t length) {
    if (length > max_xml) return true;
    for (const char* const word : words) {
        if (::memmem(xml, length, word, std::strlen(word)) != nullptr) return true;
    }
    return false;
}

/// A memfd that nobody can change any more.
int sealed_copy(std::size_t length) {
    int fd = -1;
#ifdef MFD_NOEXEC_SEAL
    fd = ::memfd_create("domain.xml", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
#endif
    if (fd < 0) fd = ::memfd_create("domain.xml", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -1;
    for (std::size_t done = 0; done < length;) {
        const ssize_t written = ::write(fd, xml + done, length - done);
        if (written < 0) return -1;
        done += static_cast<std::size_t>(written);
    }
    if (::fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return -1;
    return fd;
}

bool is(const char* word, const char* other) {
    return std::strcmp(word, other) == 0;
}

}  // namespace

/// `passthru-hook NAME OPERATION SUBOPERATION EXTRA`, the domain's XML on standard input.
int main(int argc, char** argv) {
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    if (argc < 3) {
        std::fputs("passthru-hook is run by libvirt, see passthru-hook(8)\n", stderr);
        return 0;
    }
    const bool prepare = is(argv[2], "prepare");
    if (!prepare && !is(argv[2], "release") && !is(argv[2], "reconnect")) return 0;
    const std::size_t length = read_all();
    if (!may_concern_us(length)) return 0;
    const int copy = sealed_copy(length);
    if (copy < 0 || ::dup2(copy, STDIN_FILENO) < 0) {
        std::fprintf(stderr, "passthrud: the domain's XML cannot be handed on: %s\n",
                     std::strerror(errno));
        return prepare ? 1 : 0;
    }
    argv[0] = const_cast<char*>(PASSTHRU_HOOK_NOTIFY);
    ::execv(PASSTHRU_HOOK_NOTIFY, argv);
    // Half installed is as not installed, and domains without a GPU need us not.
    std::fprintf(stderr, "passthrud: %s cannot be run: %s\n", PASSTHRU_HOOK_NOTIFY,
                 std::strerror(errno));
    return 0;
}
