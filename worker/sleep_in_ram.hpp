// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/error.hpp"
#include "libpassthru/pci/sysfs.hpp"

namespace passthru {

/// Lets the computer sleep in RAM (ACPI S3), which takes the power from its cards, and wakes it
/// with an alarm of its clock; returns when it is awake again. ResetUnsupported where the computer
/// does not sleep so, Busy where a program holds sleep off or another alarm is set, Failed when it
/// did not sleep. Takes up to half a minute, and longer where a person has to wake it.
[[nodiscard]] Result<void> sleep_in_ram(const Root& root);

/// What `sleep_in_ram` looks at first: is the alarm's clock free, and does the kernel's `mem` mean
/// `deep`? The clock's folder, or why not.
[[nodiscard]] Result<std::filesystem::path> alarm_clock_for_sleep(const Root& root);

}  // namespace passthru
