// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/host_tree.hpp"

#include <fmt/ranges.h>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace passthru::fakes {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> split(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> parts;
    for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
    return parts;
}

void link(const fs::path& from, const fs::path& to) {
    fs::create_directories(from.parent_path());
    fs::create_symlink(to.lexically_relative(from.parent_path()), from);
}

}  // namespace

HostTree::HostTree(std::string_view functions, std::string_view host) : kernel_(functions) {
    add(host);
}

void HostTree::add(std::string_view drawing) const {
    std::istringstream lines{std::string(drawing)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream stream(line);
        const Words words{std::istream_iterator<std::string>(stream), {}};
        if (words.empty()) continue;
        try {
            add_line(words);
        } catch (const std::out_of_range&) {
            throw std::invalid_argument("not understood: " + line);
        }
    }
}

void HostTree::add_line(const Words& words) const {
    const std::string& verb = words.front();
    if (verb == "disk" || verb == "part" || verb == "loop" || verb == "mapper" || verb == "array" ||
        verb == "cache" || verb == "subsystem") {
        add_block(words);
    } else if (verb == "nic" || verb == "bridge" || verb == "bond" || verb == "team" ||
               verb == "port" || verb == "vlan" || verb == "route" || verb == "address6") {
        add_network(words);
    } else if (verb == "keyboard" || verb == "mouse") {
        add_input(words);
    } else {
        add_user(words);
    }
}

void HostTree::add_block(const Words& words) const {
    const std::string& verb = words.front();
    const std::string& name = words.at(1);
    if (verb == "subsystem") {
        const fs::path controller = folder_at(words.at(3));
        const fs::path folder =
            add_device("nvme-subsystem", folder_at("virtual/nvme-subsystem") / name);
        fs::create_directories(controller);
        return link(folder / controller.filename(), controller);
    }
    const std::string& lower = words.at(4);
    fs::path parent = folder_at("virtual/block");
    if (verb == "disk") parent = folder_at(lower);
    if (verb == "part") parent = device("block", lower);
    const fs::path folder = add_device("block", parent / name);
    append(folder / "dev", words.at(2));
    if (verb == "part") append(folder / "partition", "1");
    if (verb == "loop") append(folder / "loop/backing_file", lower);
    if (verb == "array") fs::create_directories(folder / "md");
    if (verb == "cache") fs::create_directories(folder / "bcache");
    if (verb == "mapper") {
        append(folder / "dm/name", words.at(6));
        append(folder / "dm/uuid", words.at(7));
    }
    if (verb == "array" || verb == "cache" || verb == "mapper") hold(lower, folder);
}

void HostTree::add_user(const Words& words) const {
    const std::string& verb = words.front();
    const fs::path& tree = kernel_.path();
    if (verb == "mount") {
        append(tree / "proc/1/mountinfo",
               fmt::format("36 35 {} / {} rw,noatime shared:1 master:2 - {} {} rw,errors=continue",
                           words.at(1), words.at(2), words.at(3), words.at(4)));
    } else if (verb == "swap") {
        append(tree / "proc/swaps", words.at(1) + " partition 8388604 0 -2");
    } else if (verb == "btrfs") {
        for (const std::string& member : split(words.at(3))) {
            link(tree / "sys/fs/btrfs" / words.at(1) / "devices" / member, device("block", member));
        }
    } else if (verb == "zfs_member") {
        std::ifstream stream(device("block", words.at(1)) / "dev");
        std::string number;
        stream >> number;
        append(tree / "run/udev/data" / ("b" + number),
               "I:123456\nE:ID_FS_LABEL=" + words.at(3) + "\nE:ID_FS_TYPE=zfs_member");
    } else if (verb == "pool") {
        append(tree / "proc/spl/kstat/zfs" / words.at(1) / "state", "ONLINE");
    } else if (verb == "node") {
        append(tree / "dev" / words.at(1), "");
    } else if (verb == "link") {
        fs::create_directories((tree / "dev" / words.at(1)).parent_path());
        fs::create_symlink(words.at(2), tree / "dev" / words.at(1));
    } else {
        throw std::out_of_range(verb);
    }
}

void HostTree::add_network(const Words& words) const {
    const std::string& verb = words.front();
    const std::string& name = words.at(1);
    const fs::path& tree = kernel_.path();
    if (verb == "nic") {
        const fs::path folder = add_device("net", folder_at(words.at(4)) / "net" / name);
        append(folder / "flags", words.at(2) == "up" ? "0x1003" : "0x1002");
    } else if (verb == "bridge" || verb == "bond" || verb == "team") {
        const fs::path folder = add_device("net", folder_at("virtual/net") / name);
        append(folder / "flags", "0x1003");
        if (verb == "bridge") fs::create_directories(folder / "bridge");
        if (verb == "bond") fs::create_directories(folder / "bonding");
    } else if (verb == "port") {
        const fs::path master = device("net", words.at(3));
        link(device("net", name) / "master", master);
        link(device("net", name) / ("upper_" + words.at(3)), master);
    } else if (verb == "vlan") {
        const fs::path folder = add_device("net", folder_at("virtual/net") / name);
        link(device("net", words.at(3)) / ("upper_" + name), folder);
    } else if (verb == "route") {
        append(tree / "proc/net/route",
               fmt::format("{}\t{}\t00000000\t0001\t0\t0\t100\t{}\t0\t0\t0", name, words.at(2),
                           words.at(3)));
    } else {
        append(
            tree / "proc/net/if_inet6",
            fmt::format("20010db8000000000000000000000001 02 40 {} 80 {:>8}", words.at(2), name));
    }
}

void HostTree::add_input(const Words& words) const {
    const fs::path folder = add_device("input", folder_at(words.at(3)) / "input" / words.at(1));
    append(folder / "name", "Acme " + words.front());
    append(folder / "capabilities/key", words.front() == "keyboard"
                                            ? "1000000000007 ff9f207ac14057ff febeffdfffefffff "
                                              "fffffffffffffffe"
                                            : "1f0000 0 0 0 0");
}

fs::path HostTree::folder_at(const std::string& where) const {
    const std::size_t slash = std::min(where.find('/'), where.size());
    const fs::path rest = where.substr(std::min(slash + 1, where.size()));
    const auto bdf = parse_bdf_or_short(where.substr(0, slash));
    if (!bdf) return kernel_.path() / "sys/devices" / where;
    const fs::path function = follow(kernel_.path() / "sys/bus/pci/devices" / bdf->str());
    return rest.empty() ? function : function / rest;
}

fs::path HostTree::device(std::string_view subsystem, const std::string& name) const {
    const fs::path folder = follow(kernel_.path() / "sys/class" / subsystem / name);
    if (folder.empty()) throw std::out_of_range(name);
    return folder;
}

fs::path HostTree::add_device(std::string_view subsystem, const fs::path& folder) const {
    fs::create_directories(folder);
    link(kernel_.path() / "sys/class" / subsystem / folder.filename(), folder);
    return folder;
}

void HostTree::hold(const std::string& lowers, const fs::path& upper) const {
    for (const std::string& lower : split(lowers)) {
        link(device("block", lower) / "holders" / upper.filename(), upper);
    }
}

void HostTree::append(const fs::path& file, const std::string& line) const {
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::app) << line << '\n';
}

}  // namespace passthru::fakes
