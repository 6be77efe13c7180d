// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "passthructl/problem.hpp"

#include <functional>
#include <list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <systemd/sd-bus.h>

namespace passthru::ctl {

/// May polkit ask somebody for a password?
enum class Prompt { Never, Allowed };

/// Which system bus, and how it is spoken to.
struct BusChoice {
    std::optional<std::string> host;  ///< `user@host`: that computer's, over ssh
    Prompt prompt = Prompt::Allowed;
};

/// A method of an object of passthrud.
struct Method {
    std::string path;
    std::string interface;
    std::string name;
};

/// What an object of passthrud, or the bus, told everybody.
struct Signal {
    std::string path;
    std::string interface;
    std::string member;
    nlohmann::json values;
};

/// Of a connection that has broken.
[[nodiscard]] Problem bus_is_gone();

/// A connection to a system bus. Values come as a JSON array of a message's values, a dictionary as
/// an object. sd-bus itself, since sdbus-c++ cannot allow a prompt.
class Bus {
public:
    using Answered = std::function<void(const Answer<nlohmann::json>&)>;
    using Heard = std::function<void(const Signal&)>;

    /// NoDaemon when the bus cannot be reached.
    [[nodiscard]] static Answer<std::unique_ptr<Bus>> open(const BusChoice& choice);
    ~Bus();
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;

    /// Calls and waits. `types` and `values` as for sd_bus_message_append.
    template <typename... Values>
    [[nodiscard]] Answer<nlohmann::json> call(const Method& method, const char* types,
                                              Values... values) {
        const Message message = create(method);
        if (message) sd_bus_message_append(message.get(), types, values...);
        return send(message, 0);
    }

    struct Unref {
        void operator()(sd_bus_message* it) const { sd_bus_message_unref(it); }
    };
    using Message = std::unique_ptr<sd_bus_message, Unref>;
    /// The same of a call that may take long, such as one that waits for programs.
    [[nodiscard]] Answer<nlohmann::json> call_patiently(const Message& message) {
        return send(message, UINT64_MAX);
    }

    /// A call to append arguments to.
    [[nodiscard]] Message create(const Method& method);
    /// Calls; the answer comes while the loop runs, however long it takes.
    void start(const Message& message, Answered answered);
    /// `heard` gets every signal that passes `rule` while the loop runs.
    [[nodiscard]] Answer<void> listen(const std::string& rule, Heard heard);
    [[nodiscard]] std::string unique_name() const;
    /// For the loop.
    [[nodiscard]] sd_bus* get() const { return bus_; }

private:
    explicit Bus(Prompt prompt) : prompt_(prompt) {}
    [[nodiscard]] Answer<nlohmann::json> send(const Message& message, std::uint64_t patience_usec);
    static int on_answer(sd_bus_message* message, void* answered, sd_bus_error*);
    static int on_signal(sd_bus_message* message, void* heard, sd_bus_error*);

    sd_bus* bus_ = nullptr;
    Prompt prompt_;
    std::list<Answered> answered_;  ///< sd-bus keeps pointers to them
    std::list<Heard> heard_;
};

}  // namespace passthru::ctl
