// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/show.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru::ctl {
namespace {

std::string place_of(const Setting& it) {
    return it.file.empty() ? "default" : fmt::format("{}:{}", it.file, it.line);
}

std::string assignment(const Setting& it) {
    if (it.value.is_null())
        return fmt::format("# {}: the quirk files and the kernel decide", it.key);
    return fmt::format("{} = {}", it.key, it.value.dump());
}

}  // namespace

nlohmann::json to_json(const Settings& settings) {
    nlohmann::json list = nlohmann::json::array();
    for (const Setting& it : settings.settings) {
        const bool is_default = it.file.empty();
        list.push_back({{"subject", it.subject},
                        {"key", it.key},
                        {"value", it.value},
                        {"file", is_default ? nlohmann::json(nullptr) : nlohmann::json(it.file)},
                        {"line", is_default ? nlohmann::json(nullptr) : nlohmann::json(it.line)}});
    }
    return {{"files", settings.files}, {"settings", list}, {"warnings", settings.warnings}};
}

std::string to_text(const Settings& settings, const Screen&) {
    std::size_t width = 0;
    for (const Setting& it : settings.settings) {
        if (!it.value.is_null()) width = std::max(width, assignment(it).size());
    }
    std::string text;
    for (const Setting& it : settings.settings) {
        const bool begins = &it == &settings.settings.front() || (&it - 1)->subject != it.subject;
        if (begins) text += fmt::format("{}[gpu.\"{}\"]\n", text.empty() ? "" : "\n", it.subject);
        // Never cut: the place is what is asked for.
        text += fmt::format("{:<{}}  # {}\n", assignment(it), width, place_of(it));
    }
    if (!settings.warnings.empty()) text += "\n";
    for (const std::string& warning : settings.warnings) text += "# " + printable(warning) + "\n";
    return text;
}

}  // namespace passthru::ctl
