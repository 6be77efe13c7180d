// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "passthructl/commands.hpp"

namespace passthru::ctl {

/// What a user's words and environment ask for.
struct CommandLine {
    Common common;
    std::function<Exit(const Common&)> command;
};

/// Reads the words; what only prints something, such as `help`, and wrong words are a status at
/// once.
[[nodiscard]] std::expected<CommandLine, Exit> read_command_line(int argc, char** argv);

}  // namespace passthru::ctl
