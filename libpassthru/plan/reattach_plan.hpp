// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/plan/record.hpp"
#include "libpassthru/plan/step.hpp"

namespace passthru {

/// Decides how the functions of `record` go back to what they were, from wherever they are now:
/// after a VM, or after a move that a crash cut off. First nobody may have them open, then each one
/// that can be reset is, then the GPU goes back first. What another tool has bound in the meantime
/// is left alone; a function that is gone is skipped.
[[nodiscard]] Plan plan_reattach(const SetRecord& record, const Inventory& inventory);

/// Can this function be reset without touching another one? Not trusted is a `bus` of a card with
/// several functions: the kernel computed it before it knew the others
/// (drivers/pci/pci.c:pci_parent_bus_reset refuses then).
[[nodiscard]] bool can_reset(const Function& function, const Inventory& inventory);

}  // namespace passthru
