// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/device_set.hpp"

#include <optional>
#include <string>
#include <vector>

namespace passthru {

/// What a function was before we touched it: enough to put it back.
struct FunctionRecord {
    Bdf bdf;
    PciId id;
    std::optional<std::string> driver;
    std::optional<std::string> driver_override;
    std::optional<std::string> reset_method;
    std::optional<std::string> power_control;
    std::optional<std::string> d3cold_allowed;

    bool operator==(const FunctionRecord&) const = default;
};

/// The functions of a move in the order in which they are detached: the GPU last.
using SetRecord = std::vector<FunctionRecord>;

[[nodiscard]] FunctionRecord record_of(const Function& function);

}  // namespace passthru
