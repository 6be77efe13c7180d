// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace passthru {

/// The files with this extension (`.conf`) that count of these folders, in order of their names and
/// with systemd's precedence (systemd-system.conf(5)): a name in a later folder replaces the same
/// name in an earlier one, and a link to /dev/null takes it out.
[[nodiscard]] std::vector<std::filesystem::path> drop_in_files(
    const std::vector<std::filesystem::path>& folders, std::string_view extension);

/// A file's whole text; nothing when it cannot be read or is longer than 1 MiB.
[[nodiscard]] std::optional<std::string> read_text(const std::filesystem::path& path);

}  // namespace passthru
