// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/set_state.hpp"

namespace passthru {

std::string_view set_state_name(SetState state) {
    switch (state) {
        case SetState::Host: return "host";
        case SetState::Detached: return "detached";
        case SetState::Guest: return "guest";
        case SetState::Mixed: return "mixed";
        case SetState::Gone: return "gone";
    }
    return "unknown";
}

SetState set_state(const DeviceSet& set, const Inventory& inventory) {
    int on_stub = 0;
    int elsewhere = 0;
    int open = 0;
    for (const Member& member : set.members) {
        const Function* function = inventory.find(member.bdf);
        if (function == nullptr) return SetState::Gone;
        if (member.role == Role::Foreign) continue;
        (function->on_stub() ? on_stub : elsewhere)++;
        if (function->on_stub() && function->enable_count > 0) open++;
    }
    if (on_stub == 0) return SetState::Host;
    if (elsewhere > 0) return SetState::Mixed;
    return open > 0 ? SetState::Guest : SetState::Detached;
}

}  // namespace passthru
