// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/shapes.hpp"

#include "libpassthru/pci/device_set.hpp"

#include <algorithm>
#include <fmt/ranges.h>

namespace passthru {
namespace {

using fakes::World;

/// The picture as a machine on which every GPU can be moved: what it does not tell is filled in,
/// and nobody looks at the console.
World movable(World world) {
    add_usual_drivers(world);
    const bool tells_groups =
        std::ranges::any_of(world, [](const auto& it) { return it.group.has_value(); });
    for (fakes::FakeFunction& function : world) {
        function.boot_vga = false;
        const Bdf& bdf = function.bdf;
        if (!tells_groups)
            function.group = static_cast<int>(bdf.domain * 65536 + bdf.bus * 256U + bdf.device);
        if (!function.group) function.group = 9999;
    }
    return world;
}

/// Only what a set can touch: its groups and the bridges above, so that looking at all of it is
/// quick.
World around(const DeviceSet& set, const World& world) {
    World part;
    for (const fakes::FakeFunction& function : world) {
        const bool in_group = std::ranges::find(set.groups, *function.group) != set.groups.end();
        const bool above = std::ranges::any_of(world, [&](const fakes::FakeFunction& below) {
            return set.contains(below.bdf) &&
                   below.folder.string().starts_with(function.folder.string());
        });
        if (in_group || above || set.contains(function.bdf)) part.push_back(function);
    }
    return part;
}

/// What distinguishes two cases but for addresses and names.
std::string shape_of(const World& world) {
    std::string shape;
    for (const fakes::FakeFunction& it : world) {
        shape += fmt::format("{:06x} {:04x} {} {}; ", it.class_code, it.id.vendor,
                             it.driver.has_value(), fmt::join(it.reset_methods, ","));
    }
    return shape;
}

/// The worlds of all sets of a machine, each shape once: sixteen virtual functions of one card are
/// one.

}  // namespace

std::map<std::string, World> shapes_of(const std::string& machine) {
    const World world = movable(load_machine(machine).world);
    std::map<std::string, World> shapes;
    for (const DeviceSet& set : device_sets(sketch(world))) {
        const World part = around(set, world);
        shapes.emplace(shape_of(part), part);
    }
    return shapes;
}

}  // namespace passthru
