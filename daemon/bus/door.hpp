// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/bus/sdbus_compat.hpp"

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace passthru {

using Options = std::map<std::string, sdbus::Variant>;

/// The longest string that any method takes.
inline constexpr std::size_t max_string = 1024;

/// Every method ends in options; a key that it does not know is refused, so that a wish is never
/// silently ignored.
[[nodiscard]] inline Result<void> check_options(
    const Options& options, std::initializer_list<std::string_view> known = {}) {
    for (const auto& [key, value] : options) {
        if (std::ranges::find(known, key) == known.end()) {
            return fail(Errc::InvalidArgs, fmt::format("there is no option “{:.40}”", key));
        }
    }
    return {};
}

/// Runs a method's body; whatever goes wrong in it becomes a D-Bus error. sdbus-c++ 1.2 lets any
/// other exception unwind through libsystemd's C code.
template <typename Body>
auto at_the_door(Body body) -> decltype(body()) {
    try {
        return body();
    } catch (const sdbus::Error&) {
        throw;
    } catch (const std::exception& error) {
        throw to_dbus(Error{Errc::Failed, error.what(), 0});
    }
}

/// The value, or the error as an exception for sdbus-c++.
template <typename T>
T value_or_throw(Result<T> result) {
    if (!result) throw to_dbus(result.error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace passthru
