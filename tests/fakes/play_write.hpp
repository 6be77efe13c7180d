// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace passthru::fakes {

/// What the kernel of `tree` does when `value` is written to the attribute `name` below the open
/// folder; 0 or errno.
[[nodiscard]] int play_write(const std::filesystem::path& tree, int folder, const char* name,
                             std::string_view value);

/// The name under which writes are counted and faults are planned.
[[nodiscard]] std::string write_key(std::string_view attribute, const Bdf& bdf);

}  // namespace passthru::fakes
