// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <dirent.h>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace passthru {

/// An open folder, closed with the object. Made for /proc, where thousands of entries are looked
/// at: it allocates nothing and asks nothing about an entry but its name.
class Folder {
public:
    /// `path` relative to the open folder `at`. Whether it could be opened, `is_open` says.
    Folder(int at, const char* path)
        : fd_(::openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
    explicit Folder(const char* path) : Folder(AT_FDCWD, path) {}
    ~Folder() {
        if (fd_ >= 0) ::close(fd_);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    [[nodiscard]] int fd() const { return fd_; }

    /// Calls `visit(const char* name)` for each entry in the kernel's order, without those that
    /// begin with a dot. Once for each object: the position is not set back. Nothing for a folder
    /// that is not open.
    template <typename Visit>
    void for_each(Visit visit) const {
        alignas(dirent64) std::byte buffer[8192];
        for (ssize_t got = read(buffer, sizeof buffer); got > 0;
             got = read(buffer, sizeof buffer)) {
            for (ssize_t at = 0; at < got;) {
                const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
                at += entry->d_reclen;
                if (entry->d_name[0] != '.') visit(static_cast<const char*>(entry->d_name));
            }
        }
    }

private:
    ssize_t read(std::byte* buffer, std::size_t size) const {
        return fd_ < 0 ? 0 : ::getdents64(fd_, buffer, size);
    }

    int fd_;
};

}  // namespace passthru
