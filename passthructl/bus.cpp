// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/bus.hpp"

#include "passthructl/bus_values.hpp"

#include <cstring>
#include <fmt/format.h>

namespace passthru::ctl {
namespace {

using nlohmann::json;

constexpr const char* service = "org.passthru1";

struct ErrorFree {
    ErrorFree() = default;
    ErrorFree(const ErrorFree&) = delete;
    ErrorFree& operator=(const ErrorFree&) = delete;
    ~ErrorFree() { sd_bus_error_free(&error); }
    sd_bus_error error{nullptr, nullptr, 0};
};

Problem problem_in(const sd_bus_error& error) {
    const std::string name = error.name == nullptr ? "" : error.name;
    return problem_of(name, error.message == nullptr ? name : error.message);
}

std::unexpected<Problem> unreachable(int error, const BusChoice& choice) {
    return std::unexpected(
        Problem{Exit::NoDaemon, SD_BUS_ERROR_NO_SERVER,
                fmt::format("the system bus{} cannot be reached: {}",
                            choice.host ? " of " + *choice.host : "", std::strerror(-error))});
}

}  // namespace

Problem bus_is_gone() {
    return {Exit::NoDaemon, SD_BUS_ERROR_DISCONNECTED, "the bus is gone"};
}

Answer<std::unique_ptr<Bus>> Bus::open(const BusChoice& choice) {
    std::unique_ptr<Bus> bus(new Bus(choice.prompt));
    int result = choice.host ? sd_bus_open_system_remote(&bus->bus_, choice.host->c_str())
                             : sd_bus_open_system(&bus->bus_);
    // Over ssh only the first answer shows that there is a bus at all.
    const char* name = nullptr;
    if (result >= 0) result = sd_bus_get_unique_name(bus->bus_, &name);
    if (result < 0) return unreachable(result, choice);
    return bus;
}

Bus::~Bus() {
    sd_bus_close_unref(bus_);
}

std::string Bus::unique_name() const {
    const char* name = nullptr;
    return sd_bus_get_unique_name(bus_, &name) < 0 ? "" : name;
}

Bus::Message Bus::create(const Method& method) {
    sd_bus_message* message = nullptr;
    sd_bus_message_new_method_call(bus_, &message, service, method.path.c_str(),
                                   method.interface.c_str(), method.name.c_str());
    if (message != nullptr) {
        sd_bus_message_set_allow_interactive_authorization(message, prompt_ == Prompt::Allowed);
    }
    return Message(message);
}

Answer<json> Bus::send(const Message& message, std::uint64_t patience_usec) {
    ErrorFree error;
    sd_bus_message* reply = nullptr;
    const int result = sd_bus_call(bus_, message.get(), patience_usec, &error.error, &reply);
    const Message owned(reply);
    if (result < 0) {
        if (!sd_bus_error_is_set(&error.error)) sd_bus_error_set_errno(&error.error, result);
        return std::unexpected(problem_in(error.error));
    }
    return values_of(reply);
}

void Bus::start(const Message& message, Answered answered) {
    Answered& kept = answered_.emplace_back(std::move(answered));
    const int result =
        sd_bus_call_async(bus_, nullptr, message.get(), on_answer, &kept, UINT64_MAX);
    if (result >= 0) return;
    kept(std::unexpected(bus_is_gone()));
}

Answer<void> Bus::listen(const std::string& rule, Heard heard) {
    Heard& kept = heard_.emplace_back(std::move(heard));
    const int result = sd_bus_add_match(bus_, nullptr, rule.c_str(), on_signal, &kept);
    if (result >= 0) return {};
    return std::unexpected(bus_is_gone());
}

int Bus::on_answer(sd_bus_message* message, void* answered, sd_bus_error*) {
    const sd_bus_error* error = sd_bus_message_get_error(message);
    const auto& call = *static_cast<Answered*>(answered);
    if (error != nullptr) {
        call(std::unexpected(problem_in(*error)));
    } else {
        call(values_of(message));
    }
    return 0;
}

int Bus::on_signal(sd_bus_message* message, void* heard, sd_bus_error*) {
    (*static_cast<Heard*>(heard))({sd_bus_message_get_path(message),
                                   sd_bus_message_get_interface(message),
                                   sd_bus_message_get_member(message), values_of(message)});
    return 0;
}

}  // namespace passthru::ctl
