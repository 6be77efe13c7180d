// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace passthru {

/// What people call a device.
struct DeviceNames {
    std::string vendor;  ///< `NVIDIA Corporation`
    std::string model;   ///< `GM204 [GeForce GTX 970]`

    bool operator==(const DeviceNames&) const = default;
};

/// Looks a function's `modalias` up in udev's hardware database, the one that lspci's names are in
/// too. Empty strings for what it does not know, or where there is no database.
[[nodiscard]] DeviceNames lookup_names(const std::string& modalias);

}  // namespace passthru
