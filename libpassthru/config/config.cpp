// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/config/config.hpp"

#include "libpassthru/drop_ins.hpp"
#include "libpassthru/safety/services.hpp"
#include "libpassthru/toml_reading.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;

BootGpuRule read_boot_gpu(const std::string& file, const toml::node& node) {
    constexpr std::string_view allowed = "\"refuse\" or \"allow\"";
    const std::string text = toml_text(file, node, allowed);
    if (text == "refuse") return BootGpuRule::Refuse;
    if (text == "allow") return BootGpuRule::Allow;
    toml_mistake(file, node, fmt::format("“{:.40}” has to be {}", text, allowed));
}

WhenInUse read_in_use(const std::string& file, const toml::node& node) {
    constexpr std::string_view allowed = "\"refuse\", \"wait\" or \"ask\"";
    const std::string text = toml_text(file, node, allowed);
    for (const WhenInUse rule : {WhenInUse::Refuse, WhenInUse::Wait, WhenInUse::Ask}) {
        if (when_in_use_name(rule) == text) return rule;
    }
    toml_mistake(file, node, fmt::format("“{:.40}” has to be {}", text, allowed));
}

std::chrono::seconds read_seconds(const std::string& file, const toml::node& node,
                                  std::chrono::seconds least, std::chrono::seconds most) {
    const auto seconds = node.value_exact<std::int64_t>();
    if (seconds && *seconds >= least.count() && *seconds <= most.count()) {
        return std::chrono::seconds(*seconds);
    }
    toml_mistake(file, node,
                 fmt::format("this has to be a number of seconds from {} to {}", least.count(),
                             most.count()));
}

std::vector<Bdf> read_addresses(const std::string& file, const toml::node& node) {
    const toml::array* list = node.as_array();
    if (list == nullptr) toml_mistake(file, node, "this has to be a list of addresses");
    std::vector<Bdf> result;
    for (const toml::node& item : *list) {
        const auto bdf = parse_bdf_or_short(toml_text(file, item, "an address"));
        if (!bdf) toml_mistake(file, item, bdf.error().message);
        result.push_back(*bdf);
    }
    return result;
}

AtStop read_at_stop(const std::string& file, const toml::node& node) {
    constexpr std::string_view allowed = "\"reattach\" or \"keep\"";
    const std::string text = toml_text(file, node, allowed);
    for (const AtStop rule : {AtStop::Reattach, AtStop::Keep}) {
        if (at_stop_name(rule) == text) return rule;
    }
    toml_mistake(file, node, fmt::format("“{:.40}” has to be {}", text, allowed));
}

std::vector<std::string> read_services(const std::string& file, const toml::node& node) {
    const toml::array* list = node.as_array();
    constexpr std::size_t most = 16;
    if (list == nullptr || list->size() > most) {
        toml_mistake(file, node, fmt::format("this has to be a list of {} services at most", most));
    }
    std::vector<std::string> result;
    for (const toml::node& item : *list) {
        std::string name = toml_text(file, item, "the name of a service");
        if (!is_service_name(name)) {
            toml_mistake(file, item,
                         fmt::format("“{:.40}” is not the name of a service, such as "
                                     "nvidia-persistenced.service",
                                     name));
        }
        result.push_back(std::move(name));
    }
    return result;
}

bool read_exclude(const std::string& file, const toml::node& node) {
    const auto value = node.value_exact<bool>();
    if (!value) toml_mistake(file, node, "this has to be true or false");
    return *value;
}

/// `*`, an id in lower case, or a full address.
std::string subject_of(const std::string& file, const toml::key& key) {
    std::string text(key.str());
    if (text == "*") return text;
    if (const auto bdf = parse_bdf_or_short(text)) return bdf->str();
    const auto hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
    if (text.size() == 9 && text[4] == ':' && std::ranges::all_of(text.substr(0, 4), hex) &&
        std::ranges::all_of(text.substr(5), hex)) {
        std::string lower = text;
        std::ranges::transform(lower, lower.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        return lower;
    }
    throw TomlMistake{
        fmt::format("{}: “{:.40}” is neither an address such as 0000:01:00.0, nor an id such "
                    "as 10de:2489, nor *",
                    toml_place(file, key.source()), text)};
}

/// The settings of one `[gpu."SUBJECT"]`.
void read_section(const std::string& file, const toml::table& table, const std::string& subject,
                  ReadConfig& into) {
    Config::Section& section = into.config.gpus[subject];
    for (const auto& [key, node] : table) {
        if (key == "boot-gpu") {
            section.boot_gpu = read_boot_gpu(file, node);
        } else if (key == "in-use") {
            section.in_use = read_in_use(file, node);
        } else if (key == "wait") {
            section.wait = read_seconds(file, node, std::chrono::seconds(1), max_wait);
        } else if (key == "queue") {
            section.queue = read_seconds(file, node, std::chrono::seconds(0), max_queue);
        } else if (key == "at-stop") {
            section.at_stop = read_at_stop(file, node);
        } else if (key == "move-too") {
            section.move_too = read_addresses(file, node);
        } else if (key == "stop-services") {
            section.stop_services = read_services(file, node);
        } else if (key == "reset") {
            section.reset = toml_reset_methods(file, node);
        } else if (key == "exclude") {
            section.exclude = read_exclude(file, node);
        } else {
            into.warnings.push_back(fmt::format("{}: “{:.40}” is not known and has no effect",
                                                toml_place(file, key.source()), key.str()));
            continue;
        }
        into.places[subject][std::string(key.str())] = {file, node.source().begin.line};
    }
}

void read_table(const std::string& file, const toml::table& table, ReadConfig& into) {
    for (const auto& [key, node] : table) {
        const toml::table* gpus = node.as_table();
        if (key != "gpu") {
            into.warnings.push_back(fmt::format("{}: “{:.40}” is not known and has no effect",
                                                toml_place(file, key.source()), key.str()));
            continue;
        }
        if (gpus == nullptr) toml_mistake(file, node, "write [gpu.\"0000:01:00.0\"]");
        for (const auto& [name, section] : *gpus) {
            const toml::table* settings = section.as_table();
            if (settings == nullptr) toml_mistake(file, section, "write [gpu.\"0000:01:00.0\"]");
            read_section(file, *settings, subject_of(file, name), into);
        }
    }
}

constexpr const char* folders[] = {"usr/lib", "usr/local/lib", "run", "etc"};

/// The files that count, least important first.
std::vector<fs::path> config_files(const Root& root) {
    std::error_code error;
    fs::path main_file;
    std::vector<fs::path> drop_in_folders;
    for (const char* folder : folders) {
        const fs::path base = root.below(folder) / "passthrud";
        if (fs::exists(base / "passthrud.conf", error)) main_file = base / "passthrud.conf";
        drop_in_folders.push_back(base / "passthrud.conf.d");
    }
    std::vector<fs::path> files = drop_in_files(drop_in_folders, ".conf");
    if (!main_file.empty()) files.insert(files.begin(), main_file);
    return files;
}

template <typename T>
void take(T& value, const std::optional<T>& set) {
    if (set) value = *set;
}

}  // namespace

Config::Section Config::defaults() {
    constexpr std::chrono::seconds usual_wait{30};
    Section section;
    section.boot_gpu = BootGpuRule::Refuse;
    section.in_use = WhenInUse::Refuse;
    section.wait = usual_wait;
    section.queue = std::chrono::seconds(0);
    section.at_stop = AtStop::Reattach;
    section.move_too.emplace();
    section.stop_services.emplace();
    section.exclude = false;
    return section;
}

std::vector<const Config::Section*> Config::sections_for(const Function& gpu) const {
    std::vector<const Section*> result;
    for (const std::string& subject : {std::string("*"), gpu.id.str(), gpu.bdf.str()}) {
        const auto found = gpus.find(subject);
        if (found != gpus.end()) result.push_back(&found->second);
    }
    return result;
}

GpuPolicy Config::policy_for(const Function& gpu) const {
    GpuPolicy policy;
    policy.wait = *defaults().wait;
    for (const Section* section : sections_for(gpu)) {
        take(policy.boot_gpu, section->boot_gpu);
        take(policy.in_use, section->in_use);
        take(policy.wait, section->wait);
        take(policy.queue, section->queue);
        take(policy.at_stop, section->at_stop);
        take(policy.move_too, section->move_too);
        take(policy.stop_services, section->stop_services);
        if (section->reset) policy.reset = section->reset;
    }
    if (policy.in_use == WhenInUse::Refuse) policy.wait = {};
    return policy;
}

std::vector<std::string> Config::stop_services() const {
    std::vector<std::string> result;
    for (const auto& [subject, section] : gpus) {
        if (!section.stop_services) continue;
        result.insert(result.end(), section.stop_services->begin(), section.stop_services->end());
    }
    return result;
}

void Config::choose_gpus(Inventory& inventory) const {
    inventory.asked_for.clear();
    inventory.left_out.clear();
    for (const auto& [bdf, function] : inventory.functions) {
        bool excluded = false;
        for (const Section* section : sections_for(function)) take(excluded, section->exclude);
        const bool named = gpus.contains(bdf.str()) || gpus.contains(function.id.str());
        if (function.is_accelerator() && named) inventory.asked_for.insert(bdf);
        if (excluded) inventory.left_out.insert(bdf);
    }
}

Result<void> read_config_text(std::string_view text, const std::string& name, ReadConfig& into) {
    try {
        read_table(name, toml::parse(text, name), into);
        return {};
    } catch (const toml::parse_error& error) {
        return fail(Errc::InvalidArgs,
                    fmt::format("{}: {}", toml_place(name, error.source()), error.description()));
    } catch (const TomlMistake& error) {
        return fail(Errc::InvalidArgs, error.text);
    }
}

Result<ReadConfig> read_config_files(const Root& root) {
    ReadConfig result;
    for (const fs::path& path : config_files(root)) {
        const auto text = read_text(path);
        if (!text) return fail(Errc::InvalidArgs, fmt::format("{} cannot be read", path.string()));
        if (auto read = read_config_text(*text, path.string(), result); !read) {
            return std::unexpected(read.error());
        }
        result.files.push_back(path.string());
    }
    return result;
}

}  // namespace passthru
