// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/error.hpp"

#include <filesystem>

namespace passthru {

/// Writes `text` to `file` in a way that everybody, also after a crash of the computer, finds
/// either the old file or the new one. Makes the folder. Failed, with errno and the system's words,
/// when it cannot.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& file, const std::string& text);

}  // namespace passthru
