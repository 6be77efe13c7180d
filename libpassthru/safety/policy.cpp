// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/policy.hpp"

#include <algorithm>

namespace passthru {

std::string_view when_in_use_name(WhenInUse rule) {
    switch (rule) {
        case WhenInUse::Refuse: return "refuse";
        case WhenInUse::Wait: return "wait";
        case WhenInUse::Ask: return "ask";
    }
    return "refuse";
}

std::string_view at_stop_name(AtStop rule) {
    return rule == AtStop::Keep ? "keep" : "reattach";
}

bool DetachWishes::lists(const Bdf& bdf) const {
    return std::ranges::find(functions, bdf) != functions.end() ||
           std::ranges::find(policy.move_too, bdf) != policy.move_too.end();
}

const std::set<Errc>& overridable() {
    static const std::set<Errc> checks{Errc::BootGpu, Errc::InUse, Errc::HostCritical};
    return checks;
}

}  // namespace passthru
