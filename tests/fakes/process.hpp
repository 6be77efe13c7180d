// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace passthru::fakes {

struct Ended {
    int status = -1;  ///< the exit status; -1 when it was killed
    std::string out;
    std::string err;
};

/// Runs a program to its end with `input` as a file on standard input and nothing but `environment`
/// (`NAME=value`).
[[nodiscard]] Ended run(const std::vector<std::string>& command, const std::string& input,
                        const std::vector<std::string>& environment);

}  // namespace passthru::fakes
