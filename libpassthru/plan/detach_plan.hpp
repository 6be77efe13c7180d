// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/plan/record.hpp"
#include "libpassthru/plan/step.hpp"

namespace passthru {

/// A detach that may be done: the steps, and what the functions were before them.
struct DetachPlan {
    Plan plan;
    SetRecord record;
};

/// Decides how `set` goes from its host drivers to the stub driver, or refuses by name with the
/// cure: IommuOff, NotIsolated (naming each foreign function that has a driver and is not in
/// `wanted`), BootGpu, NoStubDriver. `wanted` are the functions that the caller lists itself, such
/// as a domain's hostdevs.
///
/// Companions go first and the GPU last, so that a failure leaves the desktop's card for the end. A
/// foreign function without a driver stays as it is: VFIO accepts it in the group
/// (drivers/iommu/iommu.c:iommu_group_claim_dma_owner).
[[nodiscard]] Result<DetachPlan> plan_detach(const DeviceSet& set, const std::vector<Bdf>& wanted,
                                             const Inventory& inventory);

/// The functions of the set that a detach with these wishes moves, in order of moving.
[[nodiscard]] std::vector<Bdf> moved_functions(const DeviceSet& set,
                                               const std::vector<Bdf>& wanted);

}  // namespace passthru
