// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/rom.hpp"

#include "libpassthru/pci/option_rom.hpp"
#include "worker/function_folder.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace passthru {
namespace {

std::unexpected<Error> no_rom(const Bdf& bdf, int errnum) {
    if (errnum == ENOENT) {
        return fail(Errc::Failed, fmt::format("{} has no expansion ROM", bdf.str()), errnum);
    }
    return fail(
        Errc::Failed,
        fmt::format("the expansion ROM of {} cannot be read: {}", bdf.str(), reason(errnum)),
        errnum);
}

Result<std::string> contents_of(int folder, const Bdf& bdf) {
    const int fd = ::openat(folder, "rom", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return no_rom(bdf, errno);
    std::string data;
    char buffer[65536];
    ssize_t got = 0;
    while (data.size() < max_option_rom && (got = ::read(fd, buffer, sizeof buffer)) > 0) {
        data.append(buffer, static_cast<std::size_t>(got));
    }
    const int error = errno;
    ::close(fd);
    if (got < 0) return no_rom(bdf, error);
    return data;
}

Result<int> sealed_file_of(std::string_view data) {
    const int fd = ::memfd_create("rom", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return fail(Errc::Failed, reason(errno), errno);
    while (!data.empty()) {
        const ssize_t written = ::write(fd, data.data(), data.size());
        if (written < 0) {
            const int error = errno;
            ::close(fd);
            return fail(Errc::Failed, reason(error), error);
        }
        data.remove_prefix(static_cast<std::size_t>(written));
    }
    ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    ::lseek(fd, 0, SEEK_SET);
    return fd;
}

Result<int> read_from(int folder, const Bdf& bdf, const KernelDoors& kernel) {
    if (const auto driver = driver_of(folder); driver && !is_stub_driver(*driver)) {
        return fail(Errc::InUse, fmt::format("{} is on {}: detach it first", bdf.str(), *driver));
    }
    // Shown only to who has asked for it (Documentation/PCI/sysfs-pci.rst).
    if (const int error = kernel.write(folder, "rom", "1"); error != 0) return no_rom(bdf, error);
    const auto data = contents_of(folder, bdf);
    std::ignore = kernel.write(folder, "rom", "0");
    if (!data) return std::unexpected(data.error());
    const auto length = option_rom_length(*data);
    if (!length) return std::unexpected(length.error());
    return sealed_file_of(std::string_view(*data).substr(0, *length));
}

}  // namespace

Result<int> read_rom(const Root& root, const Bdf& bdf, const KernelDoors& kernel) {
    const auto path = root.below("sys/bus/pci/devices") / bdf.str();
    const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return fail(Errc::NoSuchGpu, fmt::format("{} was unplugged or removed", bdf.str()), errno);
    }
    auto result = read_from(folder, bdf, kernel);
    ::close(folder);
    return result;
}

}  // namespace passthru
