// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

namespace passthru {

/// The driver of the function whose folder is open; nothing when it has none.
[[nodiscard]] std::optional<std::string> driver_of(int folder);

/// What errno says, for people.
[[nodiscard]] std::string reason(int errnum);

}  // namespace passthru
