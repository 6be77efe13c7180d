// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/bus_values.hpp"

namespace passthru::ctl {
namespace {

using nlohmann::json;

template <typename T>
json number(sd_bus_message* message, char type) {
    T value{};
    sd_bus_message_read_basic(message, type, &value);
    return value;
}

json string(sd_bus_message* message, char type) {
    const char* text = nullptr;
    sd_bus_message_read_basic(message, type, &text);
    return text == nullptr ? "" : text;
}

json value_of(sd_bus_message* message, char type, const char* contents);

json dictionary(sd_bus_message* message) {
    json result = json::object();
    char type = 0;
    const char* contents = nullptr;
    while (sd_bus_message_peek_type(message, &type, &contents) > 0) {
        sd_bus_message_enter_container(message, type, contents);
        json entry = values_of(message);
        sd_bus_message_exit_container(message);
        const json& key = entry.at(0);
        result[key.is_string() ? key.get<std::string>() : key.dump()] = std::move(entry.at(1));
    }
    return result;
}

json container(sd_bus_message* message, char type, const char* contents) {
    sd_bus_message_enter_container(message, type, contents);
    const bool is_dictionary = type == 'a' && contents[0] == '{';
    json inside = is_dictionary ? dictionary(message) : values_of(message);
    sd_bus_message_exit_container(message);
    return type == 'v' ? inside.at(0) : inside;
}

json value_of(sd_bus_message* message, char type, const char* contents) {
    switch (type) {
        case 's':
        case 'o':
        case 'g': return string(message, type);
        case 'b': return number<int>(message, type) != 0;
        case 'y': return number<std::uint8_t>(message, type);
        case 'q': return number<std::uint16_t>(message, type);
        case 'n': return number<std::int16_t>(message, type);
        case 'u': return number<std::uint32_t>(message, type);
        case 'i': return number<std::int32_t>(message, type);
        case 't': return number<std::uint64_t>(message, type);
        case 'x': return number<std::int64_t>(message, type);
        case 'd': return number<double>(message, type);
        case 'v':
        case 'r':
        case 'a': return container(message, type, contents);
        case 'h': {
            int descriptor = -1;
            sd_bus_message_read_basic(message, type, &descriptor);
            return ::dup(descriptor);
        }
        default: sd_bus_message_skip(message, nullptr); return nullptr;
    }
}

}  // namespace

json values_of(sd_bus_message* message) {
    json result = json::array();
    char type = 0;
    const char* contents = nullptr;
    while (sd_bus_message_peek_type(message, &type, &contents) > 0) {
        result.push_back(value_of(message, type, contents));
    }
    return result;
}

}  // namespace passthru::ctl
