// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/mapped_nodes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <sys/ioctl.h>
#include <unistd.h>

namespace passthru {
namespace {

using Visit = std::function<void(std::string_view)>;

constexpr std::string_view dev = "/dev/";

/// `struct procmap_query` of include/uapi/linux/fs.h, which the headers of older systems lack.
struct MappingQuery {
    std::uint64_t size = sizeof(MappingQuery);
    std::uint64_t flags = 0;
    std::uint64_t address = 0;
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t permissions = 0;
    std::uint64_t page_size = 0;
    std::uint64_t offset = 0;
    std::uint64_t inode = 0;
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;
    std::uint32_t name_size = 0;
    std::uint32_t build_id_size = 0;
    std::uint64_t name = 0;
    std::uint64_t build_id = 0;
};
static_assert(sizeof(MappingQuery) == 104);

constexpr unsigned long query_mapping = _IOWR('f', 17, MappingQuery);
constexpr std::uint64_t shared = 0x08;
constexpr std::uint64_t covering_or_next = 0x10;
constexpr std::uint64_t file_backed = 0x20;

enum class Asked { Done, NotUnderstood };

Asked ask_for_mappings(int maps, const Visit& visit) {
    std::array<char, 4096> name{};  // what the kernel allows at most
    MappingQuery query;
    query.flags = shared | covering_or_next | file_backed;
    query.name = reinterpret_cast<std::uintptr_t>(name.data());
    for (;;) {
        query.name_size = name.size();
        if (::ioctl(maps, query_mapping, &query) != 0) {
            // ENOENT: there is none behind this address. ESRCH: the process has no memory any more.
            return errno == ENOENT || errno == ESRCH ? Asked::Done : Asked::NotUnderstood;
        }
        // The size counts the final zero.
        const std::string_view path(name.data(), std::max(query.name_size, 1U) - 1);
        if (path.starts_with(dev)) visit(path);
        query.address = query.end;
    }
}

/// `7f2a…-7f2b… rw-s 00001000 00:05 421    /dev/dri/card1 (deleted)`: the path begins at the first
/// slash (proc(5)). Lines are looked at where `/dev/` is found only.
void look_at_lines(std::string_view text, const Visit& visit) {
    for (std::size_t hit = text.find(dev); hit != std::string_view::npos;) {
        const std::size_t end = std::min(text.find('\n', hit), text.size());
        const std::size_t start = text.rfind('\n', hit) + 1;
        std::string_view path = text.substr(start, end - start);
        path.remove_prefix(path.find('/'));
        if (path.starts_with(dev)) visit(path);
        hit = text.find(dev, end);
    }
}

void read_mappings(int maps, const Visit& visit) {
    std::array<char, 32768> buffer{};
    std::size_t kept = 0;  // the beginning of a line whose end is not read yet
    ssize_t got = 0;
    while ((got = ::read(maps, buffer.data() + kept, buffer.size() - kept)) > 0) {
        const std::string_view text(buffer.data(), kept + static_cast<std::size_t>(got));
        const std::size_t end = text.rfind('\n') + 1;  // 0 where there is none
        look_at_lines(text.substr(0, end), visit);
        kept = text.size() - end;
        if (kept == buffer.size()) kept = 0;  // no line of the kernel's is that long
        std::memmove(buffer.data(), text.data() + end, kept);
    }
    look_at_lines({buffer.data(), kept}, visit);
}

}  // namespace

void for_each_mapped_node(int maps, const Visit& visit) {
    if (ask_for_mappings(maps, visit) == Asked::NotUnderstood) read_mappings(maps, visit);
}

}  // namespace passthru
