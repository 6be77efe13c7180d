// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"

#include <concepts>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

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

[[nodiscard]] inline Bdf bdf_from_json(const nlohmann::json& value) {
    const auto bdf = parse_bdf(value.get<std::string>());
    if (!bdf) throw MalformedJson(bdf.error().message);
    return *bdf;
}

[[nodiscard]] inline nlohmann::json bdfs_to_json(const std::vector<Bdf>& functions) {
    auto list = nlohmann::json::array();
    for (const Bdf& bdf : functions) list.push_back(bdf.str());
    return list;
}

[[nodiscard]] inline std::vector<Bdf> bdfs_from_json(const nlohmann::json& list) {
    std::vector<Bdf> functions;
    for (const auto& bdf : list) functions.push_back(bdf_from_json(bdf));
    return functions;
}

/// Reading is lenient about numbers that do not fit and keys that nobody knows; writing is not. The
/// texts are compared, since as values -1 and the largest unsigned number are equal.
inline void expect_same(const nlohmann::json& given, const nlohmann::json& understood) {
    if (given.dump() != understood.dump()) throw MalformedJson("parts of it are not understood");
}

}  // namespace passthru
