// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libvirt-hook/call_daemon.hpp"

#include <cstring>
#include <memory>
#include <optional>
#include <systemd/sd-bus.h>
#include <unistd.h>

namespace passthru {
namespace {

constexpr std::uint64_t longest_wait_usec = 6ULL * 60 * 1'000'000;

struct Unref {
    void operator()(sd_bus* it) const { sd_bus_close_unref(it); }
    void operator()(sd_bus_message* it) const { sd_bus_message_unref(it); }
};
using Bus = std::unique_ptr<sd_bus, Unref>;
using Message = std::unique_ptr<sd_bus_message, Unref>;

answer::Unreachable unreachable(int error) {
    return {std::strerror(-error)};
}

/// Those of passthrud's errors that mean that this is another passthrud than ours.
bool is_unknown(std::string_view error_name) {
    return error_name == SD_BUS_ERROR_UNKNOWN_METHOD || error_name == SD_BUS_ERROR_UNKNOWN_OBJECT ||
           error_name == SD_BUS_ERROR_UNKNOWN_INTERFACE;
}

/// Whose error it is tells its sender: a unique name is passthrud's; the bus's own (nobody has the
/// name, the unit is masked, the daemon died in the middle) and sd-bus's own (time is up, the bus
/// is gone) come under well-known names.
Answer error_answer(sd_bus_message* reply) {
    const sd_bus_error* const error = sd_bus_message_get_error(reply);
    const std::string_view name = error->name != nullptr ? error->name : "";
    const std::string message = error->message != nullptr ? error->message : std::string(name);
    if (name == SD_BUS_ERROR_ACCESS_DENIED && ::geteuid() != 0) return answer::NotForUsers{};
    const char* const sender = sd_bus_message_get_sender(reply);
    const bool from_daemon = sender != nullptr && sender[0] == ':';
    if (from_daemon && !is_unknown(name)) return answer::Refused{message};
    return answer::Unreachable{message};
}

int on_reply(sd_bus_message* reply, void* result, sd_bus_error*) {
    auto& answer = *static_cast<std::optional<Answer>*>(result);
    if (sd_bus_message_is_method_error(reply, nullptr) > 0) {
        answer = error_answer(reply);
    } else {
        answer = answer::Accepted{};
    }
    return 0;
}

int append_request(sd_bus_message* message, const HookCall& call, const DomainRequest& domain,
                   int xml) {
    const int result = sd_bus_message_append(message, "sssssh", domain.uuid.c_str(),
                                             domain.name.c_str(), call.operation.c_str(),
                                             call.suboperation.c_str(), call.extra.c_str(), xml);
    return result < 0 ? result : sd_bus_message_append(message, "a{sv}", 0U);
}

}  // namespace

Answer call_daemon(const HookCall& call, const DomainRequest& domain, int xml) {
    sd_bus* opened = nullptr;
    int result = sd_bus_open_system(&opened);
    const Bus bus(opened);
    if (result < 0) return unreachable(result);

    sd_bus_message* created = nullptr;
    result = sd_bus_message_new_method_call(bus.get(), &created, "org.passthru1", "/org/passthru1",
                                            "org.passthru1.LibvirtHook", "Notify");
    const Message message(created);
    if (result >= 0) result = append_request(message.get(), call, domain, xml);
    std::optional<Answer> answer;
    if (result >= 0) {
        result = sd_bus_call_async(bus.get(), nullptr, message.get(), on_reply, &answer,
                                   longest_wait_usec);
    }
    while (result >= 0 && !answer) {
        result = sd_bus_process(bus.get(), nullptr);
        if (result == 0) result = sd_bus_wait(bus.get(), UINT64_MAX);
    }
    if (answer) return *answer;
    return unreachable(result);
}

}  // namespace passthru
