// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"

#include <optional>
#include <string>

namespace passthru {

/// What shows whether a function is well, at one moment. Looking wakes a sleeping bridge above.
struct Vitals {
    /// Why it is not well as it stands: it does not answer, sleeps though it may not, or has lost
    /// its addresses. One sentence without a full stop.
    std::optional<std::string> illness;
    int link_width = 0;        ///< lanes; 0 where the function has no link
    std::string link_speed;    ///< `16.0 GT/s PCIe`
    std::uint64_t errors = 0;  ///< uncorrectable ones that it has reported so far (AER)

    bool operator==(const Vitals&) const = default;
};

/// Looks at the function whose folder is open.
[[nodiscard]] Vitals look_at_vitals(int folder, const Bdf& bdf);

/// What got worse in between, though it is well as it stands: fewer lanes, errors that the function
/// has reported. The link's speed says nothing: cards slow it down when they idle.
[[nodiscard]] std::optional<std::string> what_got_worse(const Bdf& bdf, const Vitals& before,
                                                        const Vitals& now);

}  // namespace passthru
