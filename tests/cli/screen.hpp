// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace passthru {

/// Runs a program to its end in a terminal that is so many columns wide, and gives what it prints
/// line by line. Throws std::system_error where there are no terminals.
[[nodiscard]] std::vector<std::string> screen_of(const std::vector<std::string>& command,
                                                 unsigned short columns);

/// Characters, where each takes one column.
[[nodiscard]] std::size_t columns_of(const std::string& line);

}  // namespace passthru
