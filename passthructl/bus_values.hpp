// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <systemd/sd-bus.h>

namespace passthru::ctl {

/// A message's values as a JSON array; a dictionary is an object, a variant what it holds,
/// a descriptor the number of a copy, which is the caller's.
[[nodiscard]] nlohmann::json values_of(sd_bus_message* message);

/// A member of an object, or `T{}` where it is missing or of another type.
template <typename T>
[[nodiscard]] T member(const nlohmann::json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    if (!object.is_object() || found == object.end()) return T{};
    try {
        return found->get<T>();
    } catch (const nlohmann::json::exception&) {
        return T{};
    }
}

[[nodiscard]] inline std::string text(const nlohmann::json& object, const char* name) {
    return member<std::string>(object, name);
}

}  // namespace passthru::ctl
