// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/sysfs.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace passthru {

std::optional<std::string> read_attribute(const std::filesystem::path& file) {
    return read_attribute_at(AT_FDCWD, file.c_str());
}

std::optional<std::string> read_attribute_at(int folder, const char* name) {
    const int fd = ::openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return std::nullopt;
    constexpr std::size_t limit = 65536;
    std::string text;
    char buffer[4096];
    ssize_t got = 0;
    while (text.size() < limit && (got = ::read(fd, buffer, sizeof buffer)) > 0) {
        text.append(buffer, static_cast<std::size_t>(got));
    }
    ::close(fd);
    if (got < 0) return std::nullopt;
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

std::optional<std::string> read_link_name(const std::filesystem::path& link) {
    std::error_code error;
    const std::filesystem::path target = std::filesystem::read_symlink(link, error);
    if (error) return std::nullopt;
    return target.filename().string();
}

bool is_stub_driver(std::string_view driver) {
    return driver.ends_with("vfio-pci") || driver.ends_with("vfio_pci");
}

}  // namespace passthru
