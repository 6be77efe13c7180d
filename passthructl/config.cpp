// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/config/config.hpp"

#include "passthructl/answering.hpp"

namespace passthru::ctl {
namespace {

using nlohmann::json;

constexpr const char* everything = "*";

/// A section's values by their keys, in the order of passthrud.conf(5); null for what is not set.
std::vector<std::pair<std::string, json>> values_of(const Config::Section& section) {
    json boot_gpu;
    json in_use;
    json wait;
    json queue;
    json at_stop;
    json move_too;
    json stop_services;
    json reset;
    json exclude;
    if (section.boot_gpu) boot_gpu = *section.boot_gpu == BootGpuRule::Allow ? "allow" : "refuse";
    if (section.in_use) in_use = when_in_use_name(*section.in_use);
    if (section.wait) wait = section.wait->count();
    if (section.queue) queue = section.queue->count();
    if (section.at_stop) at_stop = at_stop_name(*section.at_stop);
    if (section.stop_services) stop_services = *section.stop_services;
    if (section.reset) reset = *section.reset;
    if (section.exclude) exclude = *section.exclude;
    if (section.move_too) {
        move_too = json::array();
        for (const Bdf& bdf : *section.move_too) move_too.push_back(bdf.str());
    }
    return {{"boot-gpu", boot_gpu},           {"in-use", in_use}, {"wait", wait},
            {"stop-services", stop_services}, {"queue", queue},   {"at-stop", at_stop},
            {"move-too", move_too},           {"reset", reset},   {"exclude", exclude}};
}

/// Where `read` sets the value; nothing for a default.
ConfigPlace place_of(const ReadConfig& read, const std::string& subject, const std::string& key) {
    const auto keys = read.places.find(subject);
    if (keys == read.places.end()) return {};
    const auto place = keys->second.find(key);
    return place == keys->second.end() ? ConfigPlace{} : place->second;
}

/// All GPUs' settings with their defaults first, then what others set.
Settings settings_of(const ReadConfig& read) {
    Settings result{read.files, {}, read.warnings};
    std::map<std::string, Config::Section> sections = read.config.gpus;
    const auto defaults = values_of(Config::defaults());
    const auto common = values_of(sections[everything]);
    for (std::size_t i = 0; i < defaults.size(); ++i) {
        const auto& [key, value] = common[i].second.is_null() ? defaults[i] : common[i];
        const auto [file, line] = place_of(read, everything, key);
        result.settings.push_back({everything, key, value, file, line});
    }
    sections.erase(everything);
    for (const auto& [subject, section] : sections) {
        for (const auto& [key, value] : values_of(section)) {
            if (value.is_null()) continue;
            const auto [file, line] = place_of(read, subject, key);
            result.settings.push_back({subject, key, value, file, line});
        }
    }
    return result;
}

}  // namespace

Exit config(const Common& common) {
    if (common.bus.host) return complain(common, not_of_a_host("config"));
    const auto read = read_config_files(common.root.value_or(Root()));
    if (!read) return complain(common, problem_of(read.error()));
    return show(common, settings_of(*read));
}

}  // namespace passthru::ctl
