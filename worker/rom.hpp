// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "worker/kernel_doors.hpp"

namespace passthru {

/// Reads the expansion ROM of a function into a sealed memory file, as long as its images, and
/// returns its descriptor, which is the caller's, at its beginning. InUse while a driver of the
/// host has the function, since some cards lose their memory addresses while the ROM is shown
/// (drivers/pci/rom.c, pci_enable_rom); Failed when it has none or shows none.
[[nodiscard]] Result<int> read_rom(const Root& root, const Bdf& bdf, const KernelDoors& kernel);

}  // namespace passthru
