// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace passthru {

enum class HolderKind {
    Process,            ///< a program
    Session,            ///< a login session, for which systemd-logind keeps the node open
    PersistenceDaemon,  ///< NVIDIA's daemons, which keep every card open and are stopped as units
    Guest,              ///< it has a VFIO node: a virtual machine
    Console,            ///< the kernel shows the text console on it
    Framebuffer,        ///< the kernel has a framebuffer on it that shows no console
};

/// Somebody who uses a function.
struct Holder {
    pid_t pid = 0;  ///< of a session its leader's; 0 for Console and Framebuffer
    uid_t uid = 0;
    std::string command;  ///< as in /proc/PID/comm, cut to 15 characters; `text console`
    std::string node;     ///< `/dev/dri/card1`
    Bdf function;
    HolderKind kind = HolderKind::Process;
    std::string unit;     ///< systemd's: `nvidia-persistenced.service`, or empty
    std::string session;  ///< the login session's id, `2`, or empty

    bool operator==(const Holder&) const = default;
};

/// Does it keep the function from being unbound? Consoles and framebuffers do not: they belong to
/// the driver and go with it (drivers/video/fbdev/core/fbcon.c:fbcon_fb_unbind); they are told
/// because the screen goes dark.
[[nodiscard]] bool blocks(const Holder& holder);

/// Is it udev, or a program that udev runs? It looks at a device that has just come, and lets go by
/// itself.
[[nodiscard]] bool is_of_udev(const Holder& holder);

/// `process`, `session`, `persistence-daemon`, `guest`, `console`, `framebuffer`.
[[nodiscard]] std::string_view holder_kind_name(HolderKind kind);

/// Everybody who uses these functions through one of their device nodes (device_nodes.hpp), open or
/// mapped: processes by pid, each once for each function with the first of its nodes; then
/// sessions; then consoles and framebuffers. Changes nothing. What cannot be seen is not listed
/// (node_users.hpp tells what that takes), nor are users inside the kernel that have no node, such
/// as NVIDIA's persistence mode.
///
/// systemd-logind opens nodes for a session's compositor (TakeDevice) and puts them into PID 1's
/// store (systemd v252, src/login/logind-session-device.c). Such a node is the session's: it is
/// listed as its leader unless a process of that session is listed with the node already. A node
/// that no session has is logind's own; of PID 1 nothing else is listed.
[[nodiscard]] std::vector<Holder> find_holders(const Root& root, const std::vector<Bdf>& functions);

/// The name of a user, or his number where he has none.
[[nodiscard]] std::string user_name(uid_t uid);

/// Those who block, each process once: `Xorg (pid 812, user alice, session 2), nvidia-persiste (pid
/// 900, user root, nvidia-persistenced.service)`.
[[nodiscard]] std::string describe(const std::vector<Holder>& holders);

/// What a person does so that they let go: closes them, or has the first one stopped where it is a
/// service.
[[nodiscard]] std::string how_to_free_from(const std::vector<Holder>& holders);

}  // namespace passthru
