// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/sysfs.hpp"

namespace passthru {

/// Reads passthrud.conf(5) and passthrud.quirks(5) as the daemon would, prints every mistake that
/// is found with its place, and returns the exit status: 0 without any, 1 with some.
[[nodiscard]] int check_config(const Root& root);

}  // namespace passthru
