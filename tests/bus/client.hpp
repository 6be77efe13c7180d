// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/loop/unique_fd.hpp"

#include <functional>
#include <list>
#include <optional>
#include <string>
#include <systemd/sd-bus.h>
#include <vector>

namespace passthru::bus_test {

/// What a call brought: an error's name and sentence, or the values as text: `("domain", "uuid",
/// "win11")`.
struct Answer {
    std::string error;
    std::string text;  ///< of an error, its message

    [[nodiscard]] bool ok() const { return error.empty(); }
};

/// A method of an object of passthrud.
struct Method {
    std::string path;
    std::string interface;
    std::string name;
    bool interactive = false;  ///< may somebody be asked for a password?
};

/// A program on the bus. Everything that it hears of passthrud is kept in order, one line each:
/// `/org/passthru1 OwnerChanged (…)`; an answer to a call that was started is the line `answer
/// NAME`.
class Client {
public:
    explicit Client(const std::string& address);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Calls and waits. `types` and `values` as for sd_bus_message_append.
    template <typename... Values>
    Answer call(const Method& method, const char* types, Values... values) {
        return wait(start(method, types, values...));
    }
    using Pending = std::list<std::optional<Answer>>::iterator;
    template <typename... Values>
    Pending start(const Method& method, const char* types, Values... values) {
        sd_bus_message* message = create(method);
        sd_bus_message_append(message, types, values...);
        return send(message);
    }
    /// The answer; `timeout` when it does not come for a long time.
    Answer wait(Pending pending);
    [[nodiscard]] Answer property(const std::string& path, const std::string& interface,
                                  const std::string& name);

    /// Serves the connection until `done`; false after a long time.
    bool wait_until(const std::function<bool()>& done);
    bool wait_for_name(const std::string& name);
    bool wait_to_hear(const std::string& part);
    /// The first line that has `part` in it, or -1.
    [[nodiscard]] int heard_at(const std::string& part) const;

    std::vector<std::string> heard;
    std::vector<UniqueFd> descriptors;  ///< that came first in an answer

private:
    sd_bus_message* create(const Method& method);
    Pending send(sd_bus_message* message);
    static int on_signal(sd_bus_message* message, void* self, sd_bus_error*);
    static int on_answer(sd_bus_message* message, void* call, sd_bus_error*);

    struct Call {
        Client& client;
        Pending pending;
        std::string name;
    };
    sd_bus* bus_ = nullptr;
    std::list<Call> calls_;  ///< what their answers find; a client may leave before them
    std::list<std::optional<Answer>> answers_;
};

/// The values of a message as text.
[[nodiscard]] std::string text_of(sd_bus_message* message);

}  // namespace passthru::bus_test
