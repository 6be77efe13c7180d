// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/plan/record.hpp"
#include "libpassthru/plan/step.hpp"

namespace passthru {

/// Decides how the functions of `record` go back to what they were, from wherever they are now:
/// after a VM, or after a move that a crash cut off. First nobody may have them open, then each
/// card is reset as the rules want it after a stop and looked at, then the GPU goes back first.
/// What another tool has bound in the meantime is left alone; a function that is gone is skipped.
[[nodiscard]] Plan plan_reattach(const SetRecord& record, const Inventory& inventory,
                                 const ResetRules& rules = {},
                                 ResetDemand demand = ResetDemand::IfPossible);

}  // namespace passthru
