// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/cli/on_a_machine.hpp"

#include "tests/cli/screen.hpp"
#include "tests/unit/machine.hpp"

#include <gtest/gtest.h>

namespace passthru {

using nlohmann::json;

OnAMachine OnAMachine::picture(const std::string& id) {
    return OnAMachine(load_machine(id).world);
}

fakes::Ended OnAMachine::run(const Words& words) const {
    return fakes::run(command(words), "", {"DBUS_SYSTEM_BUS_ADDRESS=unix:path=/no/bus"});
}

json OnAMachine::json(const Words& words) const {
    Words all = words;
    all.emplace_back("--json");
    const fakes::Ended ended = run(all);
    nlohmann::json result = nlohmann::json::parse(ended.out, nullptr, false);
    EXPECT_FALSE(result.is_discarded()) << ended.out << ended.err;
    return result;
}

OnAMachine::Words OnAMachine::screen(const Words& words, unsigned short columns) const {
    return screen_of(command(words), columns);
}

OnAMachine::Words OnAMachine::command(const Words& words) const {
    Words all{PASSTHRUCTL, "--root", kernel.path().string()};
    all.insert(all.end(), words.begin(), words.end());
    return all;
}

fakes::Ended passthructl(const std::vector<std::string>& words) {
    std::vector<std::string> all{PASSTHRUCTL};
    all.insert(all.end(), words.begin(), words.end());
    return fakes::run(all, "", {"DBUS_SYSTEM_BUS_ADDRESS=unix:path=/no/bus"});
}

std::vector<std::string> members(const nlohmann::json& object) {
    std::vector<std::string> names;
    for (const auto& item : object.items()) names.push_back(item.key());
    return names;
}

}  // namespace passthru
