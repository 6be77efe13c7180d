// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/config_header.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace passthru {

std::optional<ConfigHeader> read_config(int folder) {
    const int fd = ::openat(folder, "config", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    ConfigHeader header;
    const ssize_t got = ::read(fd, header.bytes.data(), header.bytes.size());
    ::close(fd);
    if (got != static_cast<ssize_t>(header.bytes.size())) return std::nullopt;
    return header;
}

std::unexpected<Error> gone(const Bdf& bdf, int errnum) {
    return fail(Errc::NotResponding,
                fmt::format("{} is gone: it was unplugged or removed", bdf.str()), errnum);
}

Result<void> check_answer(int folder, const Bdf& bdf, const PciId& id) {
    const auto header = read_config(folder);
    if (!header) return gone(bdf, ENODEV);
    // A virtual function has no ids of its own in config space (SR-IOV 1.1, 3.4.1.1).
    const bool is_virtual = ::faccessat(folder, "physfn", F_OK, 0) == 0;
    if (!header->answers() || (!is_virtual && header->id().vendor == 0xffff)) {
        return fail(
            Errc::NotResponding,
            fmt::format("{} does not answer: it is powered off or needs a reset that only a "
                        "reboot of the computer gives",
                        bdf.str()));
    }
    if (!is_virtual && header->id() != id) {
        return fail(Errc::NotResponding, fmt::format("{} is another device now: {} instead of {}",
                                                     bdf.str(), header->id().str(), id.str()));
    }
    return {};
}

}  // namespace passthru
