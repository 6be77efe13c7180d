// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/function.hpp"

#include <fmt/format.h>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

namespace passthru {

/// What is wrong in a TOML file, with its place. Thrown and caught in the file that reads a format,
/// beside toml++'s own exceptions.
struct TomlMistake {
    std::string text;
};

/// `FILE:LINE:COLUMN`.
[[nodiscard]] inline std::string toml_place(const std::string& file,
                                            const toml::source_region& source) {
    return fmt::format("{}:{}:{}", file, source.begin.line, source.begin.column);
}

[[noreturn]] inline void toml_mistake(const std::string& file, const toml::node& node,
                                      std::string_view text) {
    throw TomlMistake{fmt::format("{}: {}", toml_place(file, node.source()), text)};
}

/// A string; `allowed` says what else it has to be, for the message.
[[nodiscard]] inline std::string toml_text(const std::string& file, const toml::node& node,
                                           std::string_view allowed) {
    if (const auto text = node.value_exact<std::string>()) return *text;
    toml_mistake(file, node, fmt::format("this has to be {}", allowed));
}

/// A list of the kernel's names for ways to reset a function.
[[nodiscard]] inline std::vector<std::string> toml_reset_methods(const std::string& file,
                                                                 const toml::node& node) {
    constexpr std::string_view allowed = "a list of reset methods such as [\"flr\", \"bus\"]";
    const toml::array* list = node.as_array();
    if (list == nullptr) toml_mistake(file, node, fmt::format("this has to be {}", allowed));
    std::vector<std::string> methods;
    for (const toml::node& item : *list) {
        const std::string method = toml_text(file, item, "the name of a reset method");
        if (!is_reset_method(method)) {
            toml_mistake(file, item,
                         fmt::format("“{:.40}” cannot be the name of a reset method", method));
        }
        if (method == "suspend") {
            toml_mistake(file, item,
                         "“suspend” lets the whole computer sleep, and is done only where somebody "
                         "asks for it: passthructl reset --method suspend");
        }
        if (methods.size() == max_reset_methods) {
            toml_mistake(file, item,
                         fmt::format("no more than {} reset methods fit", max_reset_methods));
        }
        methods.push_back(method);
    }
    return methods;
}

}  // namespace passthru
