// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/drop_ins.hpp"

#include <fstream>
#include <map>
#include <sstream>

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
    const std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return std::nullopt;
    return text.str();
}

}  // namespace passthru
