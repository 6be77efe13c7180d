// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/drop_ins.hpp"

#include <fstream>
#include <map>

namespace passthru {

namespace fs = std::filesystem;

std::vector<fs::path> drop_in_files(const std::vector<fs::path>& folders,
                                    std::string_view extension) {
    std::error_code error;
    std::map<std::string, fs::path> by_name;
    for (const fs::path& folder : folders) {
        for (const auto& entry : fs::directory_iterator(folder, error)) {
            if (entry.path().extension() == extension) {
                by_name[entry.path().filename().string()] = entry.path();
            }
        }
    }
    std::vector<fs::path> files;
    for (const auto& [name, path] : by_name) {
        if (fs::read_symlink(path, error) != "/dev/null") files.push_back(path);
    }
    return files;
}

std::optional<std::string> read_text(const fs::path& path) {
    constexpr std::size_t limit = 1 << 20;
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::string text;
    char buffer[4096];
    while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
        text.append(buffer, static_cast<std::size_t>(file.gcount()));
        if (text.size() > limit) return std::nullopt;
    }
    // As of a folder, which can be opened.
    if (file.bad()) return std::nullopt;
    return text;
}

}  // namespace passthru
