// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <concepts>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace passthru {

/// JSON that a message or a file of ours cannot be; thrown beside nlohmann's own exceptions and
/// caught where those are.
struct MalformedJson : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

/// Reads JSON as deep as ours ever is. Deeper is malformed: nlohmann writes and frees by recursion,
/// and a message of nothing but brackets would use up the stack.
[[nodiscard]] inline nlohmann::json parse_json(std::string_view text) {
    constexpr int deepest = 8;
    return nlohmann::json::parse(text,
                                 [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
                                     if (depth > deepest)
                                         throw MalformedJson("it is nested too deep");
                                     return true;
                                 });
}

/// A whole number that fits: nlohmann converts any other as C++ does, which for a large fraction is
/// undefined.
template <std::integral T>
[[nodiscard]] T whole_number(const nlohmann::json& value) {
    const bool fits = value.is_number_unsigned() ? std::in_range<T>(value.get<std::uint64_t>())
                                                 : value.is_number_integer() &&
                                                       std::in_range<T>(value.get<std::int64_t>());
    if (!fits) throw MalformedJson("a number is none or does not fit");
    return value.get<T>();
}

}  // namespace passthru
