// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/assignment.hpp"
#include "libpassthru/plan/dry_run.hpp"

namespace passthru {

/// What this newcomer's detach of a GPU of the set would do now, or every reason against it, with
/// all that the snapshot's findings tell. Pure, as the decision is.
[[nodiscard]] DryRun rehearse_detach(const Bdf& gpu, const Assignment& assignment,
                                     const Snapshot& snapshot, const DetachWishes& wishes,
                                     const Owner& newcomer);

/// The same for giving it back, and for resetting it.
[[nodiscard]] DryRun rehearse_reattach(const Bdf& gpu, const Assignment& assignment,
                                       const Snapshot& snapshot);
[[nodiscard]] DryRun rehearse_reset(const Bdf& gpu, const Assignment& assignment,
                                    const Snapshot& snapshot);

}  // namespace passthru
