// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/mounts.hpp"

#include "libpassthru/safety/sysfs_walk.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace passthru {
namespace {

namespace fs = std::filesystem;

bool is_octal(std::string_view digits) {
    return digits.size() == 3 && digits[0] <= '3' &&
           std::ranges::all_of(digits, [](char it) { return it >= '0' && it <= '7'; });
}

/// The kernel writes space, tab, newline and backslash as `\040` and the like (fs/seq_file.c,
/// mangle_path).
std::string without_escapes(std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const std::string_view digits = text.substr(at + 1, 3);
        if (text[at] != '\\' || !is_octal(digits)) {
            result += text[at];
            continue;
        }
        result +=
            static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + digits[2] - '0');
        at += 3;
    }
    return result;
}

/// `/dev/vg/root` is a link to `../dm-1`. Only names are followed, nothing is opened.
std::string node_behind(const Root& root, const std::string& source) {
    constexpr std::string_view dev = "/dev/";
    if (!source.starts_with(dev)) return "";
    std::error_code error;
    const fs::path node = fs::canonical(root.below(source.substr(1)), error);
    return error ? "" : node.filename().string();
}

}  // namespace

std::vector<Mount> read_mounts(const Root& root) {
    std::vector<Mount> mounts;
    std::set<std::tuple<std::string, std::string, std::string>> seen;
    for (const char* file : {"proc/1/mountinfo", "proc/self/mountinfo"}) {
        for (const std::vector<std::string>& line : read_table(root.below(file))) {
            const auto dash = std::ranges::find(line, "-");
            if (dash - line.begin() < 6 || line.end() - dash < 3) continue;
            Mount mount{line[2], without_escapes(line[4]), dash[1], without_escapes(dash[2]), ""};
            if (!seen.emplace(mount.number, mount.point, mount.source).second) continue;
            mount.node = node_behind(root, mount.source);
            mounts.push_back(std::move(mount));
        }
    }
    std::ranges::sort(mounts, {}, [](const Mount& it) {
        return std::pair(it.point.size(), std::string_view(it.point));
    });
    return mounts;
}

std::vector<Mount> read_swaps(const Root& root) {
    std::vector<Mount> swaps;
    for (const std::vector<std::string>& line : read_table(root.below("proc/swaps"))) {
        if (line.empty() || !line.front().starts_with('/')) continue;
        const std::string source = without_escapes(line.front());
        swaps.push_back({"", "", "swap", source, node_behind(root, source)});
    }
    return swaps;
}

bool is_from(const Mount& mount, const BlockDevice& device) {
    if (mount.number == device.number || mount.node == device.name) return true;
    if (mount.source == device.node()) return true;
    constexpr std::string_view mapper = "/dev/mapper/";
    return mount.source.size() > mapper.size() && mount.source.starts_with(mapper) &&
           mount.source.substr(mapper.size()) == device.mapper_name();
}

}  // namespace passthru
