// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/reset/reset_trial.hpp"

namespace passthru {

std::string_view trial_end_name(TrialEnd end) {
    switch (end) {
        case TrialEnd::Well: return "well";
        case TrialEnd::NotWell: return "not-well";
        case TrialEnd::Failed: return "failed";
        case TrialEnd::NotOffered: return "not-offered";
    }
    return "failed";
}

std::optional<TrialEnd> trial_end_from_name(std::string_view name) {
    for (const TrialEnd end :
         {TrialEnd::Well, TrialEnd::NotWell, TrialEnd::Failed, TrialEnd::NotOffered}) {
        if (trial_end_name(end) == name) return end;
    }
    return std::nullopt;
}

}  // namespace passthru
