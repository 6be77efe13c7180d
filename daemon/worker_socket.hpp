// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/loop/unique_fd.hpp"
#include "libpassthru/error.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace passthru {

/// How a worker is had: from systemd, which starts one for each connection to `socket`; or, where
/// that does not exist (tests, containers), as our own child `program` with `arguments`.
struct WorkerAccess {
    std::filesystem::path socket;
    std::filesystem::path program;
    std::vector<std::string> arguments;
};

/// Has a worker and gives it its one task; what it answers comes over the connection, which does
/// not block. Failed, with where to look, when none can be had.
[[nodiscard]] Result<UniqueFd> send_to_worker(const WorkerAccess& access,
                                              const std::string& message);

}  // namespace passthru
