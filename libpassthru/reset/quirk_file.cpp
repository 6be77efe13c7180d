// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/reset/quirk_file.hpp"

#include "libpassthru/drop_ins.hpp"
#include "libpassthru/toml_reading.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace passthru {
namespace {

namespace fs = std::filesystem;

/// A hex number of exactly so many digits.
std::optional<std::uint16_t> hex(std::string_view text, std::size_t digits) {
    std::uint16_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
    if (text.size() != digits || error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

std::uint16_t read_vendor(const std::string& file, const toml::node& node) {
    constexpr std::string_view allowed = "a vendor id such as \"1002\"";
    const std::string text = toml_text(file, node, allowed);
    if (const auto vendor = hex(text, 4)) return *vendor;
    toml_mistake(file, node, fmt::format("“{:.40}” has to be {}", text, allowed));
}

Quirk::Devices read_device(const std::string& file, const toml::node& node) {
    constexpr std::string_view allowed = "a device id such as \"67df\" or \"6860-6864\"";
    const std::string text = toml_text(file, node, allowed);
    const std::string_view both = text;
    const std::size_t dash = both.find('-');
    const auto first = hex(both.substr(0, dash), 4);
    const auto last = dash == std::string_view::npos ? first : hex(both.substr(dash + 1), 4);
    if (first && last && *first <= *last) return {*first, *last};
    toml_mistake(file, node, fmt::format("“{:.40}” has to be {}", text, allowed));
}

std::vector<Quirk::Devices> read_devices(const std::string& file, const toml::node& node) {
    const toml::array* list = node.as_array();
    // An empty list would fit every device of the vendor.
    if (list == nullptr || list->empty()) {
        toml_mistake(file, node, "this has to be a list of device ids such as [\"67df\"]");
    }
    std::vector<Quirk::Devices> devices;
    for (const toml::node& item : *list) devices.push_back(read_device(file, item));
    return devices;
}

Quirk::Subsystem read_subsystem(const std::string& file, const toml::node& node) {
    constexpr std::string_view allowed = "a subsystem such as \"1462:3413\" or \"1462:*\"";
    const std::string text = toml_text(file, node, allowed);
    const std::string_view both = text;
    if (both.size() > 5 && both[4] == ':') {
        const auto vendor = hex(both.substr(0, 4), 4);
        const std::string_view rest = both.substr(5);
        const auto device = hex(rest, 4);
        if (vendor && (device || rest == "*")) return {*vendor, device};
    }
    toml_mistake(file, node, fmt::format("“{:.40}” has to be {}", text, allowed));
}

Quirk::Class read_class(const std::string& file, const toml::node& node) {
    constexpr std::string_view allowed = "a class such as \"03\" or \"0300\"";
    const std::string text = toml_text(file, node, allowed);
    if (const auto base = hex(text, 2)) return {static_cast<ClassCode>(*base << 8), 0xff00};
    if (const auto whole = hex(text, 4)) return {*whole, 0xffff};
    toml_mistake(file, node, fmt::format("“{:.40}” has to be {}", text, allowed));
}

/// One of a few words.
template <typename T>
T read_choice(const std::string& file, const toml::node& node,
              std::initializer_list<std::pair<std::string_view, T>> choices) {
    std::string allowed;
    for (const auto& [word, value] : choices) {
        allowed += fmt::format("{}\"{}\"", allowed.empty() ? "" : " or ", word);
    }
    const std::string text = toml_text(file, node, allowed);
    for (const auto& [word, value] : choices) {
        if (word == text) return value;
    }
    toml_mistake(file, node, fmt::format("“{:.40}” has to be {}", text, allowed));
}

SleepRule read_sleep(const std::string& file, const toml::node& node) {
    return read_choice<SleepRule>(file, node,
                                  {{"leave", SleepRule::Leave}, {"forbid", SleepRule::Forbid}});
}

std::chrono::milliseconds read_wait(const std::string& file, const toml::node& node) {
    const auto wait = node.value_exact<std::int64_t>();
    if (wait && *wait >= 0 && *wait <= max_reset_wait.count()) {
        return std::chrono::milliseconds(*wait);
    }
    toml_mistake(file, node,
                 fmt::format("this has to be a number of milliseconds from 0 to {}",
                             max_reset_wait.count()));
}

bool read_bool(const std::string& file, const toml::node& node) {
    if (const auto value = node.value_exact<bool>()) return *value;
    toml_mistake(file, node, "this has to be true or false");
}

/// It is shown on screens and written to logs.
std::string read_advice(const std::string& file, const toml::node& node) {
    constexpr std::size_t longest = 400;
    std::string text = toml_text(file, node, "a sentence");
    const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (text.size() > longest || std::ranges::any_of(text, control)) {
        toml_mistake(file, node,
                     fmt::format("this has to be one line of no more than {} bytes", longest));
    }
    return text;
}

/// Reads a key that says which cards are meant; false for any other.
bool read_match(const std::string& file, std::string_view key, const toml::node& node,
                Quirk& quirk) {
    if (key == "vendor") {
        quirk.vendor = read_vendor(file, node);
    } else if (key == "devices") {
        quirk.devices = read_devices(file, node);
    } else if (key == "subsystem") {
        quirk.subsystem = read_subsystem(file, node);
    } else if (key == "class") {
        quirk.class_code = read_class(file, node);
    } else {
        return false;
    }
    return true;
}

/// Reads a key that says what is done with them; false for any other.
bool read_effect(const std::string& file, std::string_view key, const toml::node& node,
                 Quirk& quirk) {
    if (key == "prefer") {
        quirk.prefer = toml_reset_methods(file, node);
    } else if (key == "avoid") {
        quirk.avoid = toml_reset_methods(file, node);
    } else if (key == "when") {
        quirk.when = read_choice<ResetWhen>(file, node,
                                            {{"after-stop", ResetWhen::AfterStop},
                                             {"before-start", ResetWhen::BeforeStart},
                                             {"both", ResetWhen::Both},
                                             {"never", ResetWhen::Never}});
    } else if (key == "wait-ms") {
        quirk.wait = read_wait(file, node);
    } else if (key == "d3cold") {
        quirk.d3cold = read_sleep(file, node);
    } else if (key == "idle-d3") {
        quirk.idle_d3 = read_sleep(file, node);
    } else if (key == "companions-too") {
        quirk.companions_too = read_bool(file, node);
    } else if (key == "remove-rescan") {
        quirk.remove_rescan = read_choice<RemoveRescanRule>(
            file, node,
            {{"when-dead", RemoveRescanRule::WhenDead}, {"never", RemoveRescanRule::Never}});
    } else if (key == "advice") {
        quirk.advice = read_advice(file, node);
    } else {
        return false;
    }
    return true;
}

/// Throws TomlMistake where the cards are not told right; nothing for an entry that cannot be used.
std::optional<Quirk> read_entry(const std::string& file, const toml::table& table,
                                std::vector<std::string>& problems) {
    Quirk quirk;
    bool known = true;
    for (const auto& [key, node] : table) {
        if (read_match(file, key.str(), node, quirk)) continue;
        try {
            if (read_effect(file, key.str(), node, quirk)) continue;
        } catch (const TomlMistake& mistake) {
            problems.push_back(mistake.text);
            continue;
        }
        known = false;
        problems.push_back(fmt::format("{}: “{:.40}” is not known, and the quirk is not used",
                                       toml_place(file, key.source()), key.str()));
    }
    if (!quirk.vendor && !quirk.subsystem && !quirk.class_code && quirk.devices.empty()) {
        toml_mistake(file, table, "a quirk has to say which cards it is about");
    }
    // A device id means nothing without the vendor that gave it.
    if (!quirk.devices.empty() && !quirk.vendor) {
        toml_mistake(file, table, "\"devices\" is only understood beside \"vendor\"");
    }
    return known ? std::optional(quirk) : std::nullopt;
}

void read_table(const std::string& file, const toml::table& table, QuirkFile& into) {
    for (const auto& [key, node] : table) {
        const toml::array* list = node.as_array();
        if (key != "quirk") {
            into.problems.push_back(fmt::format("{}: “{:.40}” is not known and has no effect",
                                                toml_place(file, key.source()), key.str()));
            continue;
        }
        if (list == nullptr) toml_mistake(file, node, "write [[quirk]]");
        for (const toml::node& entry : *list) {
            try {
                const toml::table* settings = entry.as_table();
                if (settings == nullptr) toml_mistake(file, entry, "write [[quirk]]");
                if (auto quirk = read_entry(file, *settings, into.problems)) {
                    into.entries.push_back(std::move(*quirk));
                }
            } catch (const TomlMistake& mistake) {
                into.problems.push_back(mistake.text);
            }
        }
    }
}

}  // namespace

QuirkFile read_quirk_text(std::string_view text, const std::string& name) {
    QuirkFile result;
    try {
        read_table(name, toml::parse(text, name), result);
    } catch (const toml::parse_error& error) {
        result.problems.push_back(
            fmt::format("{}: {}", toml_place(name, error.source()), error.description()));
    } catch (const TomlMistake& mistake) {
        result.problems.push_back(mistake.text);
    }
    return result;
}

ReadQuirks read_quirk_files(const Root& root) {
    // The first of these is where the build installs what is shipped.
    const std::string shipped = fs::path(PASSTHRU_QUIRKS_PATH).relative_path().string();
    std::vector<fs::path> folders;
    for (const std::string& folder :
         {shipped, std::string("run/passthrud/quirks.d"), std::string("etc/passthrud/quirks.d")}) {
        folders.push_back(root.below(folder));
    }
    std::vector<Quirk> entries;
    ReadQuirks result;
    for (const fs::path& path : drop_in_files(folders, ".toml")) {
        const auto text = read_text(path);
        if (!text) {
            result.problems.push_back(fmt::format("{} cannot be read", path.string()));
            continue;
        }
        QuirkFile file = read_quirk_text(*text, path.string());
        std::ranges::move(file.entries, std::back_inserter(entries));
        std::ranges::move(file.problems, std::back_inserter(result.problems));
    }
    result.quirks = Quirks(std::move(entries));
    return result;
}

}  // namespace passthru
