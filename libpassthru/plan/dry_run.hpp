// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/plan/detach_plan.hpp"

namespace passthru {

/// What a detach would do now and what stands against it; nothing is done.
struct DryRun {
    Bdf gpu;                      ///< what was asked for
    std::vector<Bdf> device_set;  ///< every member, in order of address
    Judgement judgement;
    std::vector<Step> steps;  ///< empty where it is refused
};

/// Plans the detach of the set that holds `gpu`.
[[nodiscard]] DryRun dry_run_detach(const Bdf& gpu, const DetachCase& it,
                                    const ResetRules& rules = {});

/// The same from a machine's files alone, without a daemon: reads the configuration below `root`
/// and looks at everything that this process may see. NoSuchGpu when the function is no GPU and
/// belongs to none; an accelerator (class 12xx) that is named is asked for. `functions` are what
/// the caller lists beside it.
[[nodiscard]] Result<DryRun> dry_run_detach(const Root& root, const Bdf& gpu,
                                            std::vector<Bdf> functions = {});

}  // namespace passthru
