// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "passthructl/show.hpp"

#include <optional>

namespace passthru::ctl {

/// passthructl's exit statuses, as passthructl(1) has them.
enum class Exit : int {
    Success = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,  ///< no such GPU
    Refused = 4,   ///< the daemon said no, by name
    Denied = 5,    ///< the caller may not
    NoDaemon = 8,
};

/// What applies to every command.
struct Common {
    std::optional<Root> root;  ///< read this tree instead of asking the daemon
    Format format = Format::Text;
};

[[nodiscard]] Exit list(const Common& common);
[[nodiscard]] Exit plan(const Common& common, const std::string& action, const std::string& gpu);
[[nodiscard]] Exit owner(const Common& common, const std::string& gpu);
[[nodiscard]] Exit holders(const Common& common, const std::string& gpu);
/// `detach`, `reattach` or `reset`; `method` is for the last.
[[nodiscard]] Exit move(const Common& common, const std::string& verb, const std::string& gpu,
                        const std::string& method);
[[nodiscard]] Exit forget(const Common& common, const std::string& domain);

}  // namespace passthru::ctl
