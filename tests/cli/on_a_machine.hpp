// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "tests/fakes/fake_kernel.hpp"
#include "tests/fakes/process.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace passthru {

/// passthructl over the files of a machine; no daemon can be reached.
class OnAMachine {
public:
    using Words = std::vector<std::string>;

    explicit OnAMachine(std::string_view drawing) : kernel(drawing) {}
    explicit OnAMachine(const fakes::World& world) : kernel(world) {}
    /// The machine of tests/machines/ID.json.
    [[nodiscard]] static OnAMachine picture(const std::string& id);

    [[nodiscard]] fakes::Ended run(const Words& words) const;
    /// With --json; what is printed must be JSON and nothing else.
    [[nodiscard]] nlohmann::json json(const Words& words) const;
    /// The lines that a terminal of this width shows.
    [[nodiscard]] Words screen(const Words& words, unsigned short columns) const;

    const fakes::FakeKernel kernel;

private:
    [[nodiscard]] Words command(const Words& words) const;
};

/// passthructl as it is called, with these words only.
[[nodiscard]] fakes::Ended passthructl(const std::vector<std::string>& words);

/// The names of an object's members, sorted.
[[nodiscard]] std::vector<std::string> members(const nlohmann::json& object);

}  // namespace passthru
