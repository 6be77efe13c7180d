// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/error.hpp"

namespace passthru::ctl {

/// passthructl's exit statuses, as passthructl(1) has them.
enum class Exit : int {
    Success = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,   ///< no such GPU
    Refused = 4,    ///< the daemon said no, by name
    Denied = 5,     ///< the caller may not
    Cancelled = 6,  ///< as the caller or somebody else asked
    NoDaemon = 8,
    NotBorrowed = 125,  ///< `run` could not have the GPU
    NotRun = 126,       ///< the command of `run` is there and cannot be run
    NoCommand = 127,    ///< `run` finds no such command
    Interrupted = 130,  ///< left by Ctrl-C while the daemon goes on
};

/// Why a command has no answer.
struct Problem {
    Exit exit = Exit::Failed;
    std::string error;  ///< the D-Bus name
    std::string message;
};

template <typename T>
using Answer = std::expected<T, Problem>;

[[nodiscard]] Problem problem_of(const Error& error);
/// Of an error that came over the bus. One that tells that no passthrud is there becomes NoDaemon.
[[nodiscard]] Problem problem_of(std::string_view name, std::string message);

}  // namespace passthru::ctl
