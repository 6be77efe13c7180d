// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/plan/step.hpp"

#include <cstddef>

namespace passthru {

/// The plan that takes back the first `done` steps of `plan` and, as far as it had an effect, the
/// step after them: that one failed or was cut off. Every function ends bound as it was before,
/// with the override that it had.
[[nodiscard]] Plan undo(const Plan& plan, std::size_t done);

}  // namespace passthru
