// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/reset/quirks.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace passthru {

/// No wait after a reset is longer: a VM's stop waits for it. The kernel itself waits up to a
/// minute for a function to answer (drivers/pci/pci.c:pci_dev_wait).
inline constexpr std::chrono::milliseconds max_reset_wait{10'000};

/// What one file says and what is wrong with it.
struct QuirkFile {
    std::vector<Quirk> entries;
    std::vector<std::string> problems;  ///< `FILE:LINE:COLUMN: …`
};

/// Reads one file's text; `name` is for messages. An entry whose cards are not told right, or that
/// has an unknown key, which might have told them, is left out, since it could fit more cards than
/// it was written for. Of any other mistake only that key is lost.
[[nodiscard]] QuirkFile read_quirk_text(std::string_view text, const std::string& name);

}  // namespace passthru
