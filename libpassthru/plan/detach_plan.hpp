// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/plan/record.hpp"
#include "libpassthru/plan/step.hpp"
#include "libpassthru/safety/judge.hpp"

namespace passthru {

/// A detach that may be done: the steps, and what the functions were before them.
struct DetachPlan {
    Plan plan;
    SetRecord record;
};

/// How the set goes from its host drivers to the stub driver: the steps of a detach, whether or not
/// it is allowed. Services that the policy names are stopped first, where they run. Companions go
/// first and the GPU last, so that a failure leaves the desktop's card for the end. A foreign
/// function without a driver that nobody lists stays as it is: VFIO accepts it in the group
/// (drivers/iommu/iommu.c:iommu_group_claim_dma_owner). Cards whose quirk wants it are reset in the
/// end, and kept from sleeping.
[[nodiscard]] DetachPlan detach_steps(const DetachCase& it, const ResetRules& rules = {});

/// As `detach_steps` for a detach that `judge` allows; else its refusal.
[[nodiscard]] Result<DetachPlan> plan_detach(const DetachCase& it, const ResetRules& rules = {});

}  // namespace passthru
