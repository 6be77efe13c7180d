// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "passthructl/commands.hpp"
#include "passthructl/password_agent.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace passthru::ctl {

/// JSON text, with `?`-like marks for what is no UTF-8.
[[nodiscard]] inline std::string json_text(const nlohmann::json& json, int indent) {
    return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The agent for what may need a password, where it may be asked for: polkit on another computer
/// does not know this terminal.
[[nodiscard]] std::unique_ptr<PasswordAgent> password_agent(const Common& common);

/// Prints an answer as the caller wants it.
template <typename Shown>
Exit show(const Common& common, const Shown& shown) {
    if (common.format == Format::Json) {
        fmt::print("{}\n", json_text(to_json(shown), 2));
    } else {
        fmt::print("{}", to_text(shown, common.screen));
    }
    return Exit::Success;
}

/// Tells what is wrong, as JSON too where that is wanted.
Exit complain(const Common& common, const Problem& problem);

/// The computer itself, or the copy of one.
[[nodiscard]] Answer<Root> machine(const Common& common);

/// What only passthrud knows is not asked about a copy, which it does not know; and neither files
/// nor descriptors come from another computer.
[[nodiscard]] Problem not_of_a_copy(std::string_view command);
[[nodiscard]] Problem not_of_a_host(std::string_view command);

}  // namespace passthru::ctl
