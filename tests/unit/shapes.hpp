// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "tests/unit/machine.hpp"

#include <map>
#include <string>

namespace passthru {

/// For each GPU's device set of a machine picture, the part of the machine that the set can touch,
/// under what distinguishes it from others but for addresses and names: sixteen virtual functions
/// of one card are one. Every set can be moved: what the picture does not tell is filled in, and
/// nobody looks at the console.
[[nodiscard]] std::map<std::string, fakes::World> shapes_of(const std::string& machine);

}  // namespace passthru
