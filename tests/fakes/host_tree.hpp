// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "tests/fakes/fake_kernel.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace passthru::fakes {

/// A fake kernel on whose functions the host's disks, interfaces and keyboards hang, as sysfs,
/// proc and udev show them. Drawn a thing on each line, in this order of words; WHERE is a folder
/// that starts with a function (`03:00.0/nvme/nvme0`) or with `virtual` or `platform`:
///
///     disk NAME NUMBER at WHERE             subsystem NAME of WHERE (a link to an NVMe controller)
///     part NAME NUMBER of DISK              loop NAME NUMBER over NODE
///     mapper NAME NUMBER on A,B as DM-NAME DM-UUID
///     array NAME NUMBER on A,B              cache NAME NUMBER on A,B
///     mount NUMBER POINT TYPE SOURCE        swap NODE
///     btrfs UUID on A,B                     zfs_member NAME of POOL
///     nic NAME up|down at WHERE             bridge NAME | bond NAME | team NAME
///     port NIC of MASTER                    vlan NAME upon NIC
///     route NIC DESTINATION MASK            address6 NIC SCOPE
///     keyboard NAME at WHERE                mouse NAME at WHERE
///     node NAME | link NAME TARGET          pool NAME
///
/// The last line makes a file or a link in `dev`, and a ZFS pool imported. Throws
/// std::invalid_argument, naming the line.
class HostTree {
public:
    HostTree(std::string_view functions, std::string_view host);

    [[nodiscard]] Root root() const { return kernel_.root(); }
    void put(const std::filesystem::path& file, std::string_view text) const {
        kernel_.put(file, text);
    }
    void add(std::string_view drawing) const;

private:
    using Words = std::vector<std::string>;

    void add_line(const Words& words) const;
    void add_block(const Words& words) const;
    void add_user(const Words& words) const;
    void add_network(const Words& words) const;
    void add_input(const Words& words) const;

    [[nodiscard]] std::filesystem::path folder_at(const std::string& where) const;
    [[nodiscard]] std::filesystem::path device(std::string_view subsystem,
                                               const std::string& name) const;
    [[nodiscard]] std::filesystem::path add_device(std::string_view subsystem,
                                                   const std::filesystem::path& folder) const;
    void hold(const std::string& lowers, const std::filesystem::path& upper) const;
    void append(const std::filesystem::path& file, const std::string& line) const;

    FakeKernel kernel_;
};

}  // namespace passthru::fakes
