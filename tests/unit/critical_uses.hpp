// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/safety/host_critical.hpp"
#include "tests/fakes/host_tree.hpp"

#include <fmt/format.h>
#include <ostream>
#include <string>
#include <vector>

namespace passthru {

inline void PrintTo(const CriticalUse& use, std::ostream* out) {
    *out << use.function.str() << " " << use.what << ": " << use.remedy;
}

/// Each use as a user reads it: `0000:03:00.0 holds /dev/sda1, mounted at /srv: unmount /srv
/// first`.
inline std::vector<std::string> critical_uses(const fakes::HostTree& host,
                                              const std::vector<Bdf>& functions) {
    std::vector<std::string> result;
    for (const CriticalUse& it : find_critical_uses(host.root(), functions)) {
        result.push_back(fmt::format("{} {}: {}", it.function.str(), it.what, it.remedy));
    }
    return result;
}

}  // namespace passthru
