// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"

#include <spdlog/spdlog.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace passthru {

/// What happened to a GPU, for people and for programs that read the system's journal.
struct Notice {
    /// Of `notice_id`: `journalctl -x` finds the explanation in systemd-units/passthrud.catalog.
    std::string_view id;
    spdlog::level::level_enum level = spdlog::level::info;
    Bdf gpu;
    std::string text;
    /// More fields of the entry without their prefix: `OWNER` becomes PASSTHRU_OWNER.
    std::vector<std::pair<std::string_view, std::string>> fields;
};

/// One entry of the system's journal with PASSTHRU_GPU and the other fields; a line of the log
/// where that goes elsewhere.
void tell(const Notice& notice);

namespace notice_id {
inline constexpr std::string_view owner_changed = "049e5e3a8a584ce487cde2f195321416";
inline constexpr std::string_view phase_changed = "0fe2066db4444587b8ebc156bfab6a16";
inline constexpr std::string_view failed = "dca44fb833184fafa26b8b2b04ac1eb6";
inline constexpr std::string_view stuck = "76ca38d9754845ffa28610e2aeb9aeb7";
inline constexpr std::string_view refused = "c5eeff6cbea84273b370a9f5fbb4c8be";
inline constexpr std::string_view step_failed = "23f583e80aab4dbd8f124bb007fe6bbe";
inline constexpr std::string_view reset_tried = "a3baed3d955b436da374501288b8b30b";
}  // namespace notice_id

}  // namespace passthru
