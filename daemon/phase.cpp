// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/phase.hpp"

namespace passthru {

std::string_view phase_name(Phase phase) {
    switch (phase) {
        case Phase::Idle: return "idle";
        case Phase::Detaching: return "detaching";
        case Phase::Undoing: return "undoing";
        case Phase::Resetting: return "resetting";
        case Phase::Reattaching: return "reattaching";
        case Phase::Stuck: return "stuck";
        case Phase::Failed: return "failed";
    }
    return "idle";
}

std::optional<Phase> phase_from_name(std::string_view name) {
    for (const Phase phase : {Phase::Idle, Phase::Detaching, Phase::Undoing, Phase::Resetting,
                              Phase::Reattaching, Phase::Stuck, Phase::Failed}) {
        if (phase_name(phase) == name) return phase;
    }
    return std::nullopt;
}

}  // namespace passthru
