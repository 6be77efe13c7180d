// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

struct sd_bus;
struct sd_bus_message;

namespace passthru::hook_test {

struct Accepts {};
struct Refuses {
    std::string error_name;
    std::string message;
};
/// Leaves the bus with the call unanswered, as by a crash.
struct Dies {};
using Behaviour = std::variant<Accepts, Refuses, Dies>;

struct Notified {
    std::vector<std::string> words;  ///< uuid, name, operation, suboperation, extra
    std::string xml;
    bool can_change = true;  ///< could the caller still write to the XML?
};

/// Owns org.passthru1 on a bus, in a thread, and answers Notify.
class FakePassthrud {
public:
    FakePassthrud(const std::string& address, Behaviour behaviour);
    ~FakePassthrud();
    FakePassthrud(const FakePassthrud&) = delete;
    FakePassthrud& operator=(const FakePassthrud&) = delete;

    /// Leaves the bus and tells what was asked.
    [[nodiscard]] const std::vector<Notified>& finish();
    int notify(sd_bus_message* message);

private:
    void serve();

    Behaviour behaviour_;
    sd_bus* bus_ = nullptr;
    std::vector<Notified> notified_;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

}  // namespace passthru::hook_test
