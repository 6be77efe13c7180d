// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/plan/record.hpp"
#include "libpassthru/plan/step.hpp"

namespace passthru {

/// The resets of these functions, all of which are on their stub drivers by then or on none: each
/// one is woken up, since one that sleeps shows nothing, and each card is reset where the rules
/// want one at this occasion. Every card is looked at after it, also one that cannot be reset.
[[nodiscard]] std::vector<Step> reset_steps(const std::vector<Bdf>& functions,
                                            const Inventory& inventory, const ResetRules& rules,
                                            ResetDemand demand);

/// A reset of what is lent and stays so, between two VMs: nobody may have it open, and it may sleep
/// again afterwards. Nothing of it is removed from the bus, since that would give it to the host.
[[nodiscard]] Plan plan_lent_reset(const std::vector<Bdf>& functions, const Inventory& inventory,
                                   const ResetRules& rules);

/// The same where somebody asks for it, so that it has to work. InUse while a host driver has a
/// function of the card; ResetUnsupported, with the reasons, where nothing can reset any.
[[nodiscard]] Result<Plan> plan_set_reset(const DeviceSet& set, const Inventory& inventory,
                                          const ResetRules& rules);

}  // namespace passthru
