// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>

namespace passthru::bus_test {

/// What `deed` returns when nobody (65534) does it, in a process of his; `no bus` and why when it
/// throws. Only root can become somebody else.
[[nodiscard]] std::string as_nobody(const std::function<std::string()>& deed);

}  // namespace passthru::bus_test
