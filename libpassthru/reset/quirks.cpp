// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/reset/quirks.hpp"

#include <algorithm>

namespace passthru {
namespace {

template <typename T>
void take(T& value, const std::optional<T>& set) {
    if (set) value = *set;
}

bool fits_subsystem(const Quirk::Subsystem& wanted, const PciId& subsystem) {
    return wanted.vendor == subsystem.vendor &&
           (!wanted.device || *wanted.device == subsystem.device);
}

}  // namespace

bool Quirk::fits(const Function& function) const {
    if (vendor && *vendor != function.id.vendor) return false;
    if (class_code && (function.class_code & class_code->mask) != class_code->code) return false;
    if (subsystem && !fits_subsystem(*subsystem, function.subsystem)) return false;
    return devices.empty() || std::ranges::any_of(devices, [&](const Devices& range) {
               return range.first <= function.id.device && function.id.device <= range.last;
           });
}

int Quirk::exactness() const {
    // Each weighs more than all that come after it together.
    int sum = 0;
    if (!devices.empty()) sum += 32;
    if (subsystem) sum += subsystem->device ? 16 : 8;
    if (vendor) sum += 4;
    if (class_code) sum += class_code->mask == 0xffff ? 2 : 1;
    return sum;
}

Quirks::Quirks(std::vector<Quirk> entries) {
    entries_.reserve(entries.size());
    for (Quirk& entry : entries) {
        const auto place =
            std::ranges::upper_bound(entries_, entry.exactness(), {}, &Quirk::exactness);
        entries_.insert(place, std::move(entry));
    }
}

CardQuirk Quirks::for_function(const Function& function) const {
    CardQuirk answer;
    for (const Quirk& entry : entries_) {
        if (!entry.fits(function)) continue;
        take(answer.prefer, entry.prefer);
        take(answer.avoid, entry.avoid);
        take(answer.when, entry.when);
        take(answer.wait, entry.wait);
        take(answer.d3cold, entry.d3cold);
        take(answer.idle_d3, entry.idle_d3);
        take(answer.companions_too, entry.companions_too);
        take(answer.remove_rescan, entry.remove_rescan);
        take(answer.advice, entry.advice);
    }
    return answer;
}

}  // namespace passthru
