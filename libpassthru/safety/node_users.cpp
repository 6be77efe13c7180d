// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/node_users.hpp"

#include "libpassthru/safety/folder.hpp"
#include "libpassthru/safety/mapped_nodes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace passthru {
namespace {

std::string_view without_deleted(std::string_view path) {
    constexpr std::string_view mark = " (deleted)";
    if (path.ends_with(mark)) path.remove_suffix(mark.size());
    return path;
}

/// One look through /proc. The buffers live as long as the look, so a process costs system calls
/// and nothing else.
class Search {
public:
    Search(int proc, const std::vector<DeviceNode>& nodes)
        : proc_(proc), nodes_(nodes), used_(nodes.size()) {}

    std::vector<std::size_t> nodes_used_by(pid_t pid) {
        used_.assign(nodes_.size(), false);
        const bool has_descriptors = look_at_descriptors(path(pid, "/fd"));
        // A kernel thread has neither descriptors nor a program. A dying process has no program
        // any more and still all its descriptors, for as long as its memory takes to be freed
        // (kernel/exit.c:do_exit, exit_mm before exit_files); so the program is asked for last.
        if (has_descriptors || has_program(path(pid, "/exe"))) look_at_mappings(path(pid, "/maps"));
        std::vector<std::size_t> result;
        for (std::size_t index = 0; index < used_.size(); ++index) {
            if (used_[index]) result.push_back(index);
        }
        return result;
    }

private:
    const char* path(pid_t pid, std::string_view file) {
        char* const end = std::to_chars(path_.data(), path_.data() + 16, pid).ptr;
        *std::ranges::copy(file, end).out = '\0';
        return path_.data();
    }

    bool look_at_descriptors(const char* path) {
        const Folder folder(proc_, path);
        bool any = false;
        folder.for_each([&](const char* name) {
            any = true;
            look_at_descriptor(folder.fd(), name);
        });
        return any;
    }

    void look_at_descriptor(int folder, const char* name) {
        struct statx status{};
        // Not to ask the server of a network file system keeps a dead one from holding us.
        if (::statx(folder, name, AT_STATX_DONT_SYNC, STATX_TYPE, &status) == 0) {
            if (!S_ISCHR(status.stx_mode)) return;
            mark(makedev(status.stx_rdev_major, status.stx_rdev_minor));
            return;
        }
        // The kernel's links can always be followed by those who may; those of a drawn machine need
        // not lead anywhere.
        if (errno != ENOENT) return;
        const ssize_t length = ::readlinkat(folder, name, buffer_.data(), buffer_.size());
        if (length > 0) mark({buffer_.data(), static_cast<std::size_t>(length)});
    }

    [[nodiscard]] bool has_program(const char* path) {
        return ::readlinkat(proc_, path, buffer_.data(), buffer_.size()) >= 0 || errno != ENOENT;
    }

    void look_at_mappings(const char* path) {
        const int maps = ::openat(proc_, path, O_RDONLY | O_CLOEXEC);
        if (maps < 0) return;
        for_each_mapped_node(maps, [this](std::string_view node) { mark(node); });
        ::close(maps);
    }

    void mark(dev_t number) {
        for (std::size_t index = 0; index < nodes_.size(); ++index) {
            if (nodes_[index].number == number) used_[index] = true;
        }
    }

    void mark(std::string_view path) {
        path = without_deleted(path);
        for (std::size_t index = 0; index < nodes_.size(); ++index) {
            if (!path.empty() && nodes_[index].path == path) used_[index] = true;
        }
    }

    const int proc_;
    const std::vector<DeviceNode>& nodes_;
    std::vector<bool> used_;
    std::array<char, 32> path_{};
    std::array<char, 4096> buffer_{};  ///< for the text of links
};

std::vector<pid_t> pids_in(const Folder& proc) {
    std::vector<pid_t> pids;
    proc.for_each([&](const char* name) {
        const char* const end = name + std::strlen(name);
        pid_t pid = 0;
        const auto [stop, error] = std::from_chars(name, end, pid);
        if (error == std::errc{} && stop == end) pids.push_back(pid);
    });
    std::ranges::sort(pids);
    return pids;
}

}  // namespace

std::vector<NodeUser> find_node_users(const Root& root, const std::vector<DeviceNode>& nodes) {
    std::vector<NodeUser> users;
    if (nodes.empty()) return users;
    const Folder proc(root.below("proc").c_str());
    Search search(proc.fd(), nodes);
    for (const pid_t pid : pids_in(proc)) {
        std::vector<std::size_t> used = search.nodes_used_by(pid);
        if (!used.empty()) users.push_back({pid, std::move(used)});
    }
    return users;
}

}  // namespace passthru
