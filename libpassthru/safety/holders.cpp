// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/holders.hpp"

#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <pwd.h>
#include <set>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;

struct Node {
    Bdf function;
    dev_t number = 0;
    std::string path;  ///< `/dev/dri/card1`
};

/// The node of a class device's folder: its number and, from its uevent, its name.
void add_node(const Bdf& bdf, const fs::path& folder, std::vector<Node>& nodes) {
    const auto number = read_attribute(folder / "dev");
    if (!number) return;
    unsigned major_number = 0;
    unsigned minor_number = 0;
    const char* end = number->data() + number->size();
    const auto colon = std::from_chars(number->data(), end, major_number);
    if (colon.ec != std::errc{} || colon.ptr == end) return;
    std::from_chars(colon.ptr + 1, end, minor_number);
    std::string name;
    const std::string uevent = read_attribute(folder / "uevent").value_or("");
    constexpr std::string_view key = "DEVNAME=";
    if (const std::size_t at = uevent.find(key); at != std::string::npos) {
        const std::size_t start = at + key.size();
        name = "/dev/" + uevent.substr(start, uevent.find('\n', start) - start);
    }
    nodes.push_back({bdf, makedev(major_number, minor_number), name});
}

std::vector<fs::path> children(const fs::path& folder) {
    std::vector<fs::path> result;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) result.push_back(entry.path());
    return result;
}

std::vector<Node> nodes_of(const Root& root, const std::vector<Bdf>& functions) {
    std::vector<Node> nodes;
    for (const Bdf& bdf : functions) {
        const fs::path device = root.below("sys/bus/pci/devices") / bdf.str();
        for (const char* subsystem : {"drm", "graphics", "vfio-dev"}) {
            for (const fs::path& child : children(device / subsystem)) add_node(bdf, child, nodes);
        }
        for (const fs::path& card : children(device / "sound")) {
            for (const fs::path& part : children(card)) add_node(bdf, part, nodes);
        }
        for (const fs::path& child : children(device)) {
            if (!child.filename().string().starts_with("i2c-")) continue;
            for (const fs::path& bus : children(child / "i2c-dev")) add_node(bdf, bus, nodes);
        }
        if (const auto group = read_link_name(device / "iommu_group")) {
            add_node(bdf, root.below("sys/class/vfio") / *group, nodes);
        }
    }
    return nodes;
}

/// Which node a descriptor's link leads to. The number is asked first of all: it stays right for a
/// deleted node and inside another mount namespace, where the path means something else.
const Node* node_behind(int folder, const char* name, const std::vector<Node>& nodes) {
    char target[256];
    const ssize_t length = ::readlinkat(folder, name, target, sizeof target);
    if (length <= 0 || target[0] != '/') return nullptr;  // a socket, a pipe, an anonymous inode
    struct stat status{};
    const bool known = ::fstatat(folder, name, &status, 0) == 0;
    std::string_view path(target, static_cast<std::size_t>(length));
    constexpr std::string_view deleted = " (deleted)";
    if (path.ends_with(deleted)) path.remove_suffix(deleted.size());
    for (const Node& node : nodes) {
        if (known && S_ISCHR(status.st_mode) ? status.st_rdev == node.number : path == node.path) {
            return &node;
        }
    }
    return nullptr;
}

bool keeps_for_others(pid_t pid, const std::string& command) {
    return pid == 1 || command == "systemd-logind";
}

void look_into(const fs::path& process, pid_t pid, const std::vector<Node>& nodes,
               std::vector<Holder>& holders) {
    const int folder = ::open((process / "fd").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return;
    std::set<Bdf> seen;
    for (const fs::path& link : children(process / "fd")) {
        const Node* node = node_behind(folder, link.filename().c_str(), nodes);
        if (node == nullptr || !seen.insert(node->function).second) continue;
        const std::string command = read_attribute(process / "comm").value_or("?");
        if (keeps_for_others(pid, command)) break;
        struct stat status{};
        const uid_t uid = ::fstat(folder, &status) == 0 ? status.st_uid : 0;
        holders.push_back({pid, uid, command, node->path, node->function});
    }
    ::close(folder);
}

std::string user_name(uid_t uid) {
    char buffer[4096];
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) {
        return found->pw_name;
    }
    return std::to_string(uid);
}

}  // namespace

std::vector<Holder> find_holders(const Root& root, const std::vector<Bdf>& functions) {
    std::vector<Holder> holders;
    const std::vector<Node> nodes = nodes_of(root, functions);
    if (nodes.empty()) return holders;
    for (const fs::path& process : children(root.below("proc"))) {
        const std::string name = process.filename().string();
        pid_t pid = 0;
        const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc{} || stop != name.data() + name.size()) continue;
        look_into(process, pid, nodes, holders);
    }
    return holders;
}

std::string describe(const std::vector<Holder>& holders) {
    std::string text;
    std::set<pid_t> named;
    for (const Holder& holder : holders) {
        if (!named.insert(holder.pid).second) continue;
        text += fmt::format("{}{} (pid {}, user {})", text.empty() ? "" : ", ", holder.command,
                            holder.pid, user_name(holder.uid));
    }
    return text;
}

}  // namespace passthru
