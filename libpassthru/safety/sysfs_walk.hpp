// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace passthru {

/// A device of a class, such as a network interface.
struct ClassDevice {
    std::string name;              ///< `eth0`
    std::filesystem::path folder;  ///< its real folder, below that of the hardware that it is on
};

/// The devices in `sys/class/CLASS`, in the order of their names; files there are no devices.
[[nodiscard]] std::vector<ClassDevice> class_devices(const Root& root, std::string_view class_name);

/// The function's folder below `sys/devices`, without any link in it; nothing when there is no such
/// function. What hangs on the function lies below.
[[nodiscard]] std::optional<std::filesystem::path> real_folder(const Root& root, const Bdf& bdf);

/// Does this path lie inside that folder? Both without links.
[[nodiscard]] bool is_below(const std::filesystem::path& path, const std::filesystem::path& folder);

/// What a folder holds, in the order of the names; nothing when it cannot be read.
[[nodiscard]] std::vector<std::filesystem::path> sorted_children(
    const std::filesystem::path& folder);

/// The words of each line of a table below `proc`, which may be longer than an attribute: up to
/// 65536 lines. Empty when it cannot be read.
[[nodiscard]] std::vector<std::vector<std::string>> read_table(const std::filesystem::path& file);

}  // namespace passthru
