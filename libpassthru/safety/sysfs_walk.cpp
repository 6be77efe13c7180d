// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/sysfs_walk.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace passthru {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::vector<ClassDevice> class_devices(const Root& root, std::string_view class_name) {
    std::vector<ClassDevice> devices;
    for (const fs::path& link : sorted_children(root.below("sys/class") / class_name)) {
        std::error_code error;
        const fs::path folder = fs::canonical(link, error);
        if (error || !fs::is_directory(folder, error)) continue;
        devices.push_back({link.filename().string(), folder});
    }
    return devices;
}

std::optional<fs::path> real_folder(const Root& root, const Bdf& bdf) {
    std::error_code error;
    fs::path folder = fs::canonical(root.below("sys/bus/pci/devices") / bdf.str(), error);
    if (error) return std::nullopt;
    return folder;
}

bool is_below(const fs::path& path, const fs::path& folder) {
    return path.native().starts_with(folder.native() + "/");
}

std::vector<fs::path> sorted_children(const fs::path& folder) {
    std::vector<fs::path> result;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        result.push_back(it->path());
    }
    std::ranges::sort(result);
    return result;
}

std::vector<std::vector<std::string>> read_table(const fs::path& file) {
    constexpr std::size_t limit = 65536;
    std::vector<std::vector<std::string>> lines;
    std::ifstream stream(file);
    for (std::string line; lines.size() < limit && std::getline(stream, line);) {
        std::istringstream words(line);
        lines.emplace_back(std::istream_iterator<std::string>(words),
                           std::istream_iterator<std::string>());
    }
    return lines;
}

}  // namespace passthru
