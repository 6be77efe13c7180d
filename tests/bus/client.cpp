// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bus/client.hpp"

#include "tests/bus/connection.hpp"

#include <chrono>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>

namespace passthru::bus_test {
namespace {

constexpr std::uint64_t call_timeout = 40'000'000;
constexpr std::chrono::seconds patience{30};

template <typename T>
std::string number(sd_bus_message* message, char type) {
    T value{};
    sd_bus_message_read_basic(message, type, &value);
    return fmt::format("{}", value);
}

std::string values_of(sd_bus_message* message);

std::string value_of(sd_bus_message* message, char type, const char* contents) {
    switch (type) {
        case 's':
        case 'o':
        case 'g': {
            const char* text = nullptr;
            sd_bus_message_read_basic(message, type, &text);
            return fmt::format("\"{}\"", text);
        }
        case 'b': {
            int value = 0;
            sd_bus_message_read_basic(message, type, &value);
            return value != 0 ? "true" : "false";
        }
        case 'q': return number<std::uint16_t>(message, type);
        case 'u': return number<std::uint32_t>(message, type);
        case 'i': return number<std::int32_t>(message, type);
        case 't': return number<std::uint64_t>(message, type);
        case 'v':
        case 'r':
        case 'e':
        case 'a': {
            sd_bus_message_enter_container(message, type, contents);
            const std::string inside = values_of(message);
            sd_bus_message_exit_container(message);
            if (type == 'v') return inside;
            if (type == 'e') return inside;
            return type == 'a' ? "[" + inside + "]" : "(" + inside + ")";
        }
        default: sd_bus_message_skip(message, nullptr); return "?";
    }
}

std::string values_of(sd_bus_message* message) {
    std::string text;
    char type = 0;
    const char* contents = nullptr;
    while (sd_bus_message_peek_type(message, &type, &contents) > 0) {
        text += (text.empty() ? "" : ", ") + value_of(message, type, contents);
    }
    return text;
}

}  // namespace

std::string text_of(sd_bus_message* message) {
    return "(" + values_of(message) + ")";
}

Client::Client(const std::string& address) : bus_(connect_to(address)) {
    require(
        sd_bus_add_match(bus_, nullptr, "type='signal',sender='org.passthru1'", on_signal, this),
        "match");
}

Client::~Client() {
    sd_bus_close_unref(bus_);
}

int Client::on_signal(sd_bus_message* message, void* self, sd_bus_error*) {
    static_cast<Client*>(self)->heard.push_back(
        fmt::format("{} {} {}", sd_bus_message_get_path(message),
                    sd_bus_message_get_member(message), text_of(message)));
    return 0;
}

int Client::on_answer(sd_bus_message* message, void* data, sd_bus_error*) {
    const auto* call = static_cast<Call*>(data);
    const sd_bus_error* error = sd_bus_message_get_error(message);
    int descriptor = -1;
    if (error == nullptr && sd_bus_message_read_basic(message, 'h', &descriptor) > 0) {
        call->client.descriptors.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
        sd_bus_message_rewind(message, 1);
    }
    *call->pending = error != nullptr
                         ? Answer{error->name, error->message == nullptr ? "" : error->message}
                         : Answer{"", text_of(message)};
    call->client.heard.push_back("answer " + call->name);
    return 0;
}

sd_bus_message* Client::create(const Method& method) {
    sd_bus_message* message = nullptr;
    require(sd_bus_message_new_method_call(bus_, &message, "org.passthru1", method.path.c_str(),
                                           method.interface.c_str(), method.name.c_str()),
            "a call");
    sd_bus_message_set_auto_start(message, 0);
    sd_bus_message_set_allow_interactive_authorization(message, method.interactive ? 1 : 0);
    return message;
}

Client::Pending Client::send(sd_bus_message* message) {
    const Pending pending = answers_.insert(answers_.end(), std::nullopt);
    Call& call = calls_.emplace_back(Call{*this, pending, sd_bus_message_get_member(message)});
    require(sd_bus_call_async(bus_, nullptr, message, on_answer, &call, call_timeout),
            "sd_bus_call_async");
    sd_bus_message_unref(message);
    sd_bus_flush(bus_);
    return pending;
}

Answer Client::wait(Pending pending) {
    wait_until([&] { return pending->has_value(); });
    return pending->value_or(Answer{"timeout", ""});
}

Answer Client::property(const std::string& path, const std::string& interface,
                        const std::string& name) {
    return call({path, "org.freedesktop.DBus.Properties", "Get"}, "ss", interface.c_str(),
                name.c_str());
}

bool Client::wait_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        const int served = sd_bus_process(bus_, nullptr);
        if (served < 0) return false;
        // What is not on this bus, such as a file, is looked at again soon.
        if (served == 0) sd_bus_wait(bus_, 5'000);
    }
    return true;
}

bool Client::wait_for_name(const std::string& name) {
    return wait_until([&] { return sd_bus_get_name_creds(bus_, name.c_str(), 0, nullptr) >= 0; });
}

bool Client::wait_to_hear(const std::string& part) {
    return wait_until([&] { return heard_at(part) >= 0; });
}

int Client::heard_at(const std::string& part) const {
    for (std::size_t i = 0; i < heard.size(); ++i) {
        if (heard[i].find(part) != std::string::npos) return static_cast<int>(i);
    }
    return -1;
}

}  // namespace passthru::bus_test
