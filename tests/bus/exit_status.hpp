// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace passthru::bus_test {

/// How passthructl ends, as passthructl(1) says.
enum ExitStatus {
    success = 0,
    usage = 2,
    not_found = 3,
    refused = 4,
    denied = 5,
    cancelled = 6,
    no_daemon = 8,
    interrupted = 130,
};

}  // namespace passthru::bus_test
