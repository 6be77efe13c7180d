// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/bus/views.hpp"
#include "daemon/ring.hpp"

namespace passthru {

/// The names of a card from the hardware database.
struct CardName {
    std::string vendor;
    std::string model;
};

/// What the bus shows of one GPU of a set.
[[nodiscard]] GpuView present_gpu(const Function& gpu, const SetEntry& entry,
                                  const Inventory& inventory, const CardName& name);

/// What the bus shows of the running job.
[[nodiscard]] JobView present_job(const SetEntry& entry);

/// What the bus shows of somebody's wait.
[[nodiscard]] JobView present_wait(const SetEntry& entry, const Waiter& waiter,
                                   std::uint64_t started_at);

}  // namespace passthru
