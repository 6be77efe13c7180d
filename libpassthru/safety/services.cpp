// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/services.hpp"

#include <algorithm>
#include <filesystem>

namespace passthru {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffix = ".service";

bool is_populated(const fs::path& cgroup) {
    const auto events = read_attribute(cgroup / "cgroup.events");
    return events && events->find("populated 1") != std::string::npos;
}

/// In this slice or one below it; slices nest by their names, a handful deep.
bool runs_in(const fs::path& slice, const std::string& service) {
    if (is_populated(slice / service)) return true;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(slice, error)) {
        const fs::path& path = entry.path();
        // The services of users are others, whatever their names.
        if (path.extension() != ".slice" || path.filename() == "user.slice") continue;
        if (runs_in(path, service)) return true;
    }
    return false;
}

}  // namespace

bool is_service_name(std::string_view name) {
    constexpr std::size_t longest = 255;
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(":-_.\\@").contains(c);
    };
    return name.size() > suffix.size() && name.size() <= longest && name.ends_with(suffix) &&
           !name.starts_with('@') && !name.starts_with('.') && std::ranges::all_of(name, fits);
}

std::string service_behind(const Root& root, const std::string& name) {
    const auto target = read_link_name(root.below("etc/systemd/system") / name);
    return target && is_service_name(*target) ? *target : name;
}

bool has_unit(const Root& root, const std::string& name) {
    constexpr const char* folders[] = {"etc/systemd/system",         "run/systemd/system",
                                       "run/systemd/transient",      "run/systemd/generator",
                                       "run/systemd/generator.late", "usr/local/lib/systemd/system",
                                       "usr/lib/systemd/system",     "lib/systemd/system"};
    const std::size_t at = name.find('@');
    const std::string unit_template =
        at == std::string::npos ? name : name.substr(0, at + 1) + std::string(suffix);
    std::error_code error;
    bool has_units = false;
    for (const char* it : folders) {
        const fs::path folder = root.below(it);
        has_units = has_units || fs::exists(folder, error);
        for (const std::string& file : {name, unit_template}) {
            if (fs::exists(fs::symlink_status(folder / file, error))) return true;
        }
    }
    return !has_units;
}

std::set<std::string> running_services(const Root& root, const std::vector<std::string>& names) {
    std::set<std::string> running;
    for (const std::string& name : names) {
        const std::string service = service_behind(root, name);
        if (runs_in(root.below("sys/fs/cgroup"), service)) running.insert(service);
    }
    return running;
}

}  // namespace passthru
