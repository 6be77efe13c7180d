// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string_view>

namespace passthru {

/// What is going on with a device set. Only work and its bad ends are phases; where the set is at
/// rest is read from sysfs.
enum class Phase { Idle, Detaching, Undoing, Resetting, Reattaching, Stuck, Failed };

/// `idle`, `detaching`, `undoing`, `resetting`, `reattaching`, `stuck`, `failed`.
[[nodiscard]] std::string_view phase_name(Phase phase);
/// The inverse; nothing for a word that this version does not know.
[[nodiscard]] std::optional<Phase> phase_from_name(std::string_view name);

}  // namespace passthru
