// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <systemd/sd-bus.h>
#include <vector>

namespace passthru::bus_test {

/// A method with the types of its arguments, and the objects that have it; none where all have.
struct Signature {
    std::string interface;
    std::string method;
    std::string types;
    std::vector<std::string> objects = {};
};

/// Which objects have an interface.
using Objects = std::map<std::string, std::vector<std::string>>;

/// Every method of the documented interfaces, and those that every object on a bus has.
[[nodiscard]] std::vector<Signature> all_methods(const Objects& objects);

/// Calls methods of passthrud by chance, mostly with arguments of the right types, over a
/// connection of its own.
class RandomCaller {
public:
    RandomCaller(unsigned seed, const std::string& address, std::vector<std::string> paths);
    ~RandomCaller();
    RandomCaller(const RandomCaller&) = delete;
    RandomCaller& operator=(const RandomCaller&) = delete;

    /// Nothing, or the first call that was not answered. One call of four wants no answer, so that
    /// several are under way.
    [[nodiscard]] std::string call(const std::vector<Signature>& methods, int calls);

private:
    [[nodiscard]] std::string call_once(const Signature& method);
    void append_all(sd_bus_message* message, std::string_view types);
    void append(sd_bus_message* message, std::string_view type);
    void append_basic(sd_bus_message* message, char type);
    void append_value(sd_bus_message* message, char type, const void* value);
    void append_descriptor(sd_bus_message* message);
    [[nodiscard]] std::string text();
    [[nodiscard]] std::string types();
    [[nodiscard]] unsigned pick(std::size_t below) {
        return static_cast<unsigned>(random_() % below);
    }

    std::mt19937 random_;
    bool whole_ = true;  ///< the message that is being made; sd-bus refuses some values itself
    std::vector<std::string> paths_;
    sd_bus* bus_ = nullptr;
};

}  // namespace passthru::bus_test
