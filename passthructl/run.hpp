// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "passthructl/commands.hpp"

#include <string>
#include <vector>

namespace passthru::ctl {

/// Borrows a GPU, runs a command with it, and ends with the command's exit status, or 128 and the
/// number of the signal that ended it. The lease lasts as long as this process, the command or
/// whatever inherits the descriptor. 125 when the GPU cannot be had, 126 when the command cannot be
/// run, 127 when there is none of its name, as timeout(1) has it.
[[nodiscard]] int run(const Common& common, const std::string& gpu,
                      const std::vector<std::string>& command);

}  // namespace passthru::ctl
