// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/host_critical.hpp"

#include "libpassthru/safety/block_devices.hpp"
#include "libpassthru/safety/input_uses.hpp"
#include "libpassthru/safety/network_uses.hpp"
#include "libpassthru/safety/storage_uses.hpp"
#include "libpassthru/safety/sysfs_walk.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;

/// A serial bus of no other kind (PCI Code and ID Assignment, class 0Ch sub-class 80h). Intel's SPI
/// controller for the firmware's flash is one (00:1f.5), and so is the UCSI function of some
/// graphics cards, which a virtual machine may see on its root bus as well.
constexpr std::string_view other_serial_bus = "0x0c80";
constexpr std::string_view intel = "0x8086";

std::optional<std::string_view> part_of_the_board(const fs::path& folder) {
    const std::string code = read_attribute(folder / "class").value_or("");
    const std::string_view kind = std::string_view(code).substr(0, other_serial_bus.size());
    if (kind == "0x0601") return "LPC bridge";
    if (kind == "0x0c05") return "SMBus controller";
    if (kind == "0x0580") return "memory controller";
    const bool on_root_bus = folder.parent_path().filename().string().starts_with("pci");
    const bool of_intel = read_attribute(folder / "vendor") == intel;
    if (kind == other_serial_bus && on_root_bus && of_intel) return "SPI controller";
    return std::nullopt;
}

std::vector<CriticalUse> find_board_uses(const Root& root, const std::vector<Bdf>& functions) {
    std::vector<CriticalUse> uses;
    for (const Bdf& bdf : functions) {
        const auto folder = real_folder(root, bdf);
        if (!folder) continue;
        if (const auto part = part_of_the_board(*folder)) {
            uses.push_back({bdf, CriticalKind::Board, fmt::format("is the {} of the board", *part),
                            "it can never be given to a VM"});
        }
    }
    return uses;
}

dev_t number_of(const BlockDevice& device) {
    unsigned major_number = 0;
    unsigned minor_number = 0;
    const char* end = device.number.data() + device.number.size();
    const auto colon = std::from_chars(device.number.data(), end, major_number);
    if (colon.ec == std::errc{} && colon.ptr != end) {
        std::from_chars(colon.ptr + 1, end, minor_number);
    }
    return makedev(major_number, minor_number);
}

/// The number is asked before the open, so that no other device is ever opened by mistake. Without
/// O_NONBLOCK a drive could wait for its medium.
bool is_claimed(const Root& root, const BlockDevice& device) {
    const fs::path node = root.below(device.node().substr(1));
    struct stat status{};
    if (::stat(node.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) return false;
    if (status.st_rdev != number_of(device)) return false;
    const int fd = ::open(node.c_str(), O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return errno == EBUSY;
    ::close(fd);
    return false;
}

}  // namespace

std::vector<CriticalUse> find_critical_uses(const Root& root, const std::vector<Bdf>& functions) {
    std::vector<CriticalUse> found;
    for (const auto& find :
         {find_storage_uses, find_network_uses, find_input_uses, find_board_uses}) {
        std::ranges::move(find(root, functions), std::back_inserter(found));
    }
    std::vector<CriticalUse> uses;
    for (const Bdf& function : functions) {
        std::ranges::copy_if(found, std::back_inserter(uses),
                             [&](const CriticalUse& it) { return it.function == function; });
    }
    return uses;
}

std::vector<CriticalUse> find_claimed_disks(const Root& root, const std::vector<Bdf>& functions) {
    std::vector<CriticalUse> uses;
    const std::vector<BlockDevice> all = block_devices(root);
    for (const Bdf& bdf : functions) {
        std::vector<BlockDevice> claimed = disks_of(root, bdf, all);
        std::erase_if(claimed, [&](const BlockDevice& it) { return !is_claimed(root, it); });
        for (const BlockDevice& device : claimed) {
            // A claimed partition makes its disk busy as well (block/bdev.c, bd_may_claim).
            if (std::ranges::any_of(
                    claimed, [&](const BlockDevice& it) { return is_partition_of(it, device); })) {
                continue;
            }
            uses.push_back({bdf, CriticalKind::Storage,
                            fmt::format("holds {}, which the kernel says is in use", device.node()),
                            fmt::format("end what uses {} first (see lsblk)", device.node())});
        }
    }
    return uses;
}

}  // namespace passthru
