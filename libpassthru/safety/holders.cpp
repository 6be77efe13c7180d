// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/holders.hpp"

#include "libpassthru/safety/consoles.hpp"
#include "libpassthru/safety/device_nodes.hpp"
#include "libpassthru/safety/login_sessions.hpp"
#include "libpassthru/safety/node_users.hpp"
#include "libpassthru/safety/process_place.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <pwd.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace passthru {
namespace {

std::string command_of(const Root& root, pid_t pid) {
    return read_attribute(root.below("proc") / std::to_string(pid) / "comm").value_or("?");
}

/// The owner of /proc/PID itself: the files in it are root's where the process may not be dumped,
/// such as one that changed its user (fs/proc/base.c:task_dump_owner).
uid_t user_of(const Root& root, pid_t pid) {
    struct stat status{};
    const auto folder = root.below("proc") / std::to_string(pid);
    return ::stat(folder.c_str(), &status) == 0 ? status.st_uid : 0;
}

bool is_logind(const std::string& command) {
    return command == "systemd-logind";
}

HolderKind kind_of(const DeviceNode& node, const std::string& command) {
    if (is_vfio_node(node)) return HolderKind::Guest;
    // The kernel cuts a name to 15 characters (include/linux/sched.h: TASK_COMM_LEN).
    if (command == "nvidia-persiste" || command == "nvidia-powerd")
        return HolderKind::PersistenceDaemon;
    return HolderKind::Process;
}

class Listing {
public:
    Listing(const Root& root, const std::vector<DeviceNode>& nodes) : root_(root), nodes_(nodes) {}

    void add_process(const NodeUser& user) {
        const std::string command = command_of(root_, user.pid);
        const ProcessPlace place = place_of(root_, user.pid);
        std::set<Bdf> seen;
        for (const std::size_t index : user.nodes) {
            const DeviceNode& node = nodes_[index];
            if (!place.session.empty()) of_sessions_.emplace(place.session, index);
            if (!seen.insert(node.function).second) continue;
            holders_.push_back({user.pid, user_of(root_, user.pid), command, node.path,
                                node.function, kind_of(node, command), place.unit, place.session});
        }
    }

    /// `keeper` is PID 1 or logind. Comes after all processes.
    void add_kept(const NodeUser& keeper, const std::vector<LoginSession>& sessions) {
        NodeUser own{keeper.pid, {}};
        for (const std::size_t index : keeper.nodes) {
            bool asked_for = false;
            for (const LoginSession& session : sessions) {
                if (std::ranges::find(session.devices, nodes_[index].number) ==
                    session.devices.end())
                    continue;
                asked_for = true;
                add_session(session, index);
            }
            if (!asked_for) own.nodes.push_back(index);
        }
        if (keeper.pid != 1) add_process(own);
    }

    void add_framebuffers() {
        for (const DeviceNode& node : nodes_) {
            if (!is_framebuffer_node(node)) continue;
            const bool console = console_is_on(root_, node);
            holders_.push_back({0, 0, console ? "text console" : "framebuffer", node.path,
                                node.function,
                                console ? HolderKind::Console : HolderKind::Framebuffer, "", ""});
        }
    }

    std::vector<Holder> take() { return std::move(holders_); }

private:
    void add_session(const LoginSession& session, std::size_t index) {
        // Once by the process that has it, or by the other keeper.
        if (!of_sessions_.emplace(session.id, index).second) return;
        const DeviceNode& node = nodes_[index];
        const bool listed = std::ranges::any_of(holders_, [&](const Holder& it) {
            return it.kind == HolderKind::Session && it.session == session.id &&
                   it.function == node.function;
        });
        if (listed) return;
        holders_.push_back({session.leader, session.uid, command_of(root_, session.leader),
                            node.path, node.function, HolderKind::Session, session.scope,
                            session.id});
    }

    const Root& root_;
    const std::vector<DeviceNode>& nodes_;
    std::vector<Holder> holders_;
    std::set<std::pair<std::string, std::size_t>> of_sessions_;  ///< sessions and their nodes
};

std::string place_name(const Holder& holder) {
    if (!holder.session.empty()) return fmt::format(", session {}", holder.session);
    return holder.unit.empty() ? "" : ", " + holder.unit;
}

}  // namespace

std::vector<Holder> find_holders(const Root& root, const std::vector<Bdf>& functions) {
    const std::vector<DeviceNode> nodes = device_nodes(root, functions);
    if (nodes.empty()) return {};
    Listing listing(root, nodes);
    std::vector<NodeUser> keepers;
    for (const NodeUser& user : find_node_users(root, nodes)) {
        if (user.pid == 1 || is_logind(command_of(root, user.pid))) {
            keepers.push_back(user);
        } else {
            listing.add_process(user);
        }
    }
    if (!keepers.empty()) {
        const std::vector<LoginSession> sessions = login_sessions(root);
        for (const NodeUser& keeper : keepers) listing.add_kept(keeper, sessions);
    }
    listing.add_framebuffers();
    return listing.take();
}

bool blocks(const Holder& holder) {
    return holder.kind != HolderKind::Console && holder.kind != HolderKind::Framebuffer;
}

bool is_of_udev(const Holder& holder) {
    return holder.unit == "systemd-udevd.service";
}

std::string_view holder_kind_name(HolderKind kind) {
    switch (kind) {
        case HolderKind::Process: return "process";
        case HolderKind::Session: return "session";
        case HolderKind::PersistenceDaemon: return "persistence-daemon";
        case HolderKind::Guest: return "guest";
        case HolderKind::Console: return "console";
        case HolderKind::Framebuffer: return "framebuffer";
    }
    return "process";
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

std::string describe(const std::vector<Holder>& holders) {
    std::string text;
    std::set<pid_t> named;
    for (const Holder& holder : holders) {
        if (!blocks(holder) || !named.insert(holder.pid).second) continue;
        text += fmt::format("{}{} (pid {}, user {}{})", text.empty() ? "" : ", ", holder.command,
                            holder.pid, user_name(holder.uid), place_name(holder));
    }
    return text;
}

std::string how_to_free_from(const std::vector<Holder>& holders) {
    const auto first = std::ranges::find_if(holders, blocks);
    // The services of a user's own systemd are in a session.
    const bool is_service =
        first != holders.end() && first->session.empty() && first->unit.ends_with(".service");
    if (!is_service) return "close it and try again";
    return fmt::format(
        "stop it with “systemctl stop {}”, or have that done by stop-services in "
        "passthrud.conf(5)",
        first->unit);
}

}  // namespace passthru
