// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/network_uses.hpp"

#include "libpassthru/safety/sysfs_walk.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <net/if.h>
#include <optional>
#include <set>

namespace passthru {
namespace {

namespace fs = std::filesystem;

/// Which interfaces the host's tables name.
struct Routes {
    std::set<std::string> defaults;   ///< with an IPv4 default route
    std::set<std::string> any;        ///< with any IPv4 route, such as that to their own net
    std::set<std::string> addresses;  ///< with an IPv6 address that is not link-local
};

/// `proc/net` is the caller's network namespace, which may be a private one; PID 1's is the host's.
/// Columns of `route`: Iface Destination Gateway Flags RefCnt Use Metric Mask (net/ipv4/fib_trie.c,
/// fib_route_seq_show); of `if_inet6`: address, index, prefix length, scope, flags, name
/// (net/ipv6/addrconf.c, if6_seq_show), where 0x20 is the scope of link-local addresses.
Routes read_routes(const Root& root) {
    Routes routes;
    for (const char* folder : {"proc/1/net", "proc/net"}) {
        for (const std::vector<std::string>& line : read_table(root.below(folder) / "route")) {
            if (line.size() < 8 || line[0] == "Iface") continue;
            routes.any.insert(line[0]);
            if (line[1] == "00000000" && line[7] == "00000000") routes.defaults.insert(line[0]);
        }
        for (const std::vector<std::string>& line : read_table(root.below(folder) / "if_inet6")) {
            if (line.size() >= 6 && line[3] != "20") routes.addresses.insert(line[5]);
        }
    }
    return routes;
}

bool is_up(const fs::path& interface) {
    const std::string flags = read_attribute(interface / "flags").value_or("");
    if (!flags.starts_with("0x")) return false;
    unsigned value = 0;
    std::from_chars(flags.data() + 2, flags.data() + flags.size(), value, 16);
    return (value & IFF_UP) != 0;
}

/// `bridge br0`; teams and others have no folder that tells their kind.
std::string kind_and_name(const fs::path& master, const std::string& name) {
    std::error_code error;
    if (fs::is_directory(master / "bridge", error)) return "bridge " + name;
    if (fs::is_directory(master / "bonding", error)) return "bond " + name;
    return name;
}

/// The first interface that is stacked upon this one, such as a VLAN. The kernel gives a master an
/// `upper_` link too (net/core/dev.c, netdev_adjacent_sysfs_add).
std::optional<std::string> upper_of(const fs::path& interface) {
    constexpr std::string_view prefix = "upper_";
    for (const fs::path& child : sorted_children(interface)) {
        const std::string name = child.filename().string();
        if (name.starts_with(prefix)) return name.substr(prefix.size());
    }
    return std::nullopt;
}

/// What would break with an interface.
struct Load {
    std::string what;
    std::string remedy;
};

/// What an interface that is up carries, worst first.
std::optional<Load> load_of(const ClassDevice& interface, const Routes& routes) {
    const std::string& name = interface.name;
    const std::string down = fmt::format("take {0} down first (ip link set {0} down)", name);
    if (routes.defaults.contains(name)) return Load{"the default route goes through it", down};
    if (const auto master = read_link_name(interface.folder / "master")) {
        return Load{"it is part of " + kind_and_name(interface.folder / "master", *master),
                    fmt::format("take {} out of {} first", name, *master)};
    }
    if (const auto upper = upper_of(interface.folder)) {
        return Load{fmt::format("{} lies upon it", *upper), fmt::format("remove {} first", *upper)};
    }
    if (routes.any.contains(name)) return Load{"it has an IPv4 route", down};
    if (routes.addresses.contains(name)) return Load{"it has an IPv6 address", down};
    return std::nullopt;
}

}  // namespace

std::vector<CriticalUse> find_network_uses(const Root& root, const std::vector<Bdf>& functions) {
    std::vector<CriticalUse> uses;
    const Routes routes = read_routes(root);
    const std::vector<ClassDevice> interfaces = class_devices(root, "net");
    for (const Bdf& bdf : functions) {
        const auto folder = real_folder(root, bdf);
        if (!folder) continue;
        for (const ClassDevice& interface : interfaces) {
            if (!is_below(interface.folder, *folder) || !is_up(interface.folder)) continue;
            const auto load = load_of(interface, routes);
            if (!load) continue;
            uses.push_back({bdf, CriticalKind::Network,
                            fmt::format("has {}, which is up, and {}", interface.name, load->what),
                            load->remedy});
        }
    }
    return uses;
}

}  // namespace passthru
