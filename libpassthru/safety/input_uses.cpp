// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/input_uses.hpp"

#include "libpassthru/safety/sysfs_walk.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;

/// As udev decides: keys 1 to 31, that is Escape, the digits and the first letters, are all there
/// (systemd, src/udev/udev-builtin-input_id.c, test_key). The bitmap is written in words, the
/// lowest last.
bool is_keyboard(const fs::path& input) {
    const std::string keys = read_attribute(input / "capabilities/key").value_or("");
    const std::size_t space = keys.find_last_of(' ');
    const std::size_t start = space == std::string::npos ? 0 : space + 1;
    std::uint64_t lowest = 0;
    std::from_chars(keys.data() + start, keys.data() + keys.size(), lowest, 16);
    constexpr std::uint64_t escape_to_s = 0xfffffffe;
    return (lowest & escape_to_s) == escape_to_s;
}

bool is_below_any(const fs::path& path, const std::vector<fs::path>& folders) {
    return std::ranges::any_of(folders,
                               [&](const fs::path& folder) { return is_below(path, folder); });
}

/// The folders of what is taken away, and of what is nobody's hardware.
std::vector<fs::path> lost_folders(const Root& root, const std::vector<Bdf>& functions) {
    std::vector<fs::path> folders;
    std::error_code error;
    folders.push_back(fs::weakly_canonical(root.below("sys/devices/virtual"), error));
    for (const Bdf& bdf : functions) {
        if (auto folder = real_folder(root, bdf)) folders.push_back(std::move(*folder));
    }
    return folders;
}

}  // namespace

std::vector<CriticalUse> find_input_uses(const Root& root, const std::vector<Bdf>& functions) {
    std::vector<ClassDevice> keyboards = class_devices(root, "input");
    std::erase_if(keyboards, [](const ClassDevice& it) { return !is_keyboard(it.folder); });
    const std::vector<fs::path> lost = lost_folders(root, functions);
    if (std::ranges::any_of(
            keyboards, [&](const ClassDevice& it) { return !is_below_any(it.folder, lost); })) {
        return {};
    }
    std::vector<CriticalUse> uses;
    for (const Bdf& bdf : functions) {
        const auto folder = real_folder(root, bdf);
        const auto mine = std::ranges::find_if(keyboards, [&](const ClassDevice& it) {
            return folder && is_below(it.folder, *folder);
        });
        if (mine == keyboards.end()) continue;
        const std::string name = read_attribute(mine->folder / "name").value_or(mine->name);
        uses.push_back({bdf, CriticalKind::Input, fmt::format("has the only keyboard ({})", name),
                        "plug a keyboard into another controller first"});
    }
    return uses;
}

}  // namespace passthru
