// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace passthru::fuzz {

/// A folder in memory for what is read from files; one for the whole run.
class Scratch {
public:
    Scratch() {
        std::string name = "/dev/shm/passthru-fuzz-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    /// A folder below it, with nothing in it.
    std::filesystem::path emptied(std::string_view name) const {
        std::filesystem::remove_all(path_ / name);
        std::filesystem::create_directories(path_ / name);
        return path_ / name;
    }

    void put(const std::filesystem::path& file, std::string_view text) const {
        std::ofstream(path_ / file, std::ios::binary) << text;
    }

private:
    std::filesystem::path path_;
};

}  // namespace passthru::fuzz
