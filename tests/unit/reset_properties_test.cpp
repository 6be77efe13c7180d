// SPDX-License-Identifier: LGPL-2.1-or-later
// What holds for the reset of every GPU of every machine picture, whoever has which function.
#include "libpassthru/pci/device_set.hpp"
#include "tests/fakes/fake_kernel.hpp"
#include "tests/unit/machine.hpp"
#include "tests/unit/reset_world.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <sstream>

namespace passthru {
namespace {

using fakes::FakeKernel;

/// One set of a machine, with its functions on the stub but for those that a test moves.
struct Case {
    Inventory inventory;
    std::vector<Bdf> given;
};

std::string text_of(const ResetDecision& decision) {
    std::ostringstream text;
    for (const ResetChain& chain : decision.chains) {
        PrintTo(chain, &text);
        text << '\n';
    }
    return text.str();
}

/// Many pictures tell no tree: there each bus gets a bridge above it. All of them can reset.
void add_bridges(Inventory& inventory) {
    std::map<Bdf, Function> bridges;
    for (auto& [bdf, function] : inventory.functions) {
        function.reset_subordinate = function.is_bridge();
        if (function.parent || bdf.bus == 0) continue;
        Function bridge;
        bridge.bdf = {bdf.domain, 0, static_cast<std::uint8_t>(bdf.bus / 8),
                      static_cast<std::uint8_t>(bdf.bus % 8)};
        while (inventory.functions.contains(bridge.bdf)) bridge.bdf.domain += 0x1000000;
        bridge.class_code = 0x0604;
        bridge.driver = "pcieport";
        bridge.has_secondary = true;
        bridge.reset_subordinate = true;
        function.parent = bridge.bdf;
        bridges.emplace(bridge.bdf, bridge);
    }
    inventory.functions.merge(bridges);
}

/// Is it anywhere below that bridge?
bool below(const Function& function, const Bdf& bridge, const Inventory& inventory) {
    if (!function.parent) return false;
    return *function.parent == bridge ||
           (inventory.functions.contains(*function.parent) &&
            below(inventory.functions.at(*function.parent), bridge, inventory));
}

/// Everything that this attempt resets or removes on a real machine.
std::vector<Bdf> hit_by(const ResetAttempt& attempt, const Inventory& inventory) {
    std::vector<Bdf> hit = attempt.functions;
    for (const Bdf& named : attempt.functions) {
        const Function& target = inventory.functions.at(named);
        for (const auto& [bdf, other] : inventory.functions) {
            const bool by_bus = attempt.method == "bus" || attempt.method == "cxl_bus";
            const bool same_bus = bdf.domain == named.domain && bdf.bus == named.bus;
            const bool under = target.parent && below(other, *target.parent, inventory);
            const bool removed = attempt.means == ResetMeans::RemoveRescan && bdf.same_slot(named);
            if ((by_bus && (same_bus || under)) || removed) hit.push_back(bdf);
        }
    }
    return hit;
}

void expect_safe(const Case& machine, const ResetRules& rules) {
    const ResetDecision decision = plan_reset(machine.given, machine.inventory, rules);
    SCOPED_TRACE(text_of(decision));
    const auto handed_over = [&](const Bdf& bdf) {
        const Function& function = machine.inventory.functions.at(bdf);
        return std::ranges::find(machine.given, bdf) != machine.given.end() &&
               !function.is_bridge() && (!function.driver || function.on_stub());
    };
    for (const ResetChain& chain : decision.chains) {
        EXPECT_FALSE(chain.functions.empty());
        for (const Bdf& bdf : chain.functions) EXPECT_TRUE(handed_over(bdf)) << bdf.str();
        for (const ResetAttempt& attempt : chain.attempts) {
            EXPECT_EQ(std::ranges::count(chain.attempts, attempt), 1);
            EXPECT_FALSE(attempt.functions.empty());
            for (const Bdf& bdf : hit_by(attempt, machine.inventory)) {
                EXPECT_TRUE(handed_over(bdf)) << attempt.method << " hits " << bdf.str();
            }
            const bool wants_bridge = attempt.means == ResetMeans::Subordinate;
            EXPECT_TRUE(attempt.bridge || !wants_bridge);
            if (!attempt.bridge) continue;
            EXPECT_TRUE(machine.inventory.functions.at(*attempt.bridge).is_bridge());
        }
    }
    for (const Bdf& bdf : machine.given) {
        const auto has_it = [&](const ResetChain& chain) {
            return std::ranges::find(chain.functions, bdf) != chain.functions.end();
        };
        EXPECT_EQ(std::ranges::any_of(decision.chains, has_it), handed_over(bdf)) << bdf.str();
    }
}

std::vector<ResetRules> all_rules(const std::vector<Bdf>& given) {
    std::vector<ResetRules> result(4);
    result[1].quirks = shipped_quirks();
    result[2].quirks = quirks_of(R"(
        [[quirk]]
        class = "03"
        prefer = ["remove_rescan", "bus", "device_specific", "cxl_bus"]
        companions-too = true
    )");
    for (const Bdf& bdf : given) {
        result[3].wanted[bdf] = {"bus", "remove_rescan", "device_specific", "flr"};
    }
    return result;
}

class TheResetOfEveryGpu : public testing::TestWithParam<std::string> {
protected:
    /// Each set, with the pictures' methods and tree and with all of them made up.
    static void for_each_case(const std::function<void(const Case&)>& check) {
        const Inventory drawn = FakeKernel(load_machine(GetParam()).world).inventory();
        for (const DeviceSet& set : device_sets(drawn)) {
            Case machine{drawn, {}};
            for (const Member& member : set.members) {
                machine.given.push_back(member.bdf);
                machine.inventory.functions.at(member.bdf).driver = "vfio-pci";
            }
            check(machine);
            add_bridges(machine.inventory);
            for (const Bdf& bdf : machine.given) {
                machine.inventory.functions.at(bdf).reset_methods = {"flr", "pm", "cxl_bus", "bus"};
            }
            check(machine);
        }
    }
};

TEST_P(TheResetOfEveryGpu, HitsNothingThatWasNotHandedOver) {
    for_each_case([](const Case& machine) {
        for (const ResetRules& rules : all_rules(machine.given)) expect_safe(machine, rules);
    });
}

TEST_P(TheResetOfEveryGpu, SparesWhateverAHostDriverHas) {
    for_each_case([](const Case& machine) {
        for (const Bdf& bdf : machine.given) {
            Case taken = machine;
            taken.inventory.functions.at(bdf).driver = "nouveau";
            for (const ResetRules& rules : all_rules(taken.given)) expect_safe(taken, rules);
            // Not of the set at all, as when only some of it was moved.
            std::erase(taken.given, bdf);
            for (const ResetRules& rules : all_rules(taken.given)) expect_safe(taken, rules);
            taken.inventory.functions.at(bdf).driver = "vfio-pci";
            for (const ResetRules& rules : all_rules(taken.given)) expect_safe(taken, rules);
            taken.inventory.functions.at(bdf).driver.reset();
            for (const ResetRules& rules : all_rules(taken.given)) expect_safe(taken, rules);
        }
    });
}

INSTANTIATE_TEST_SUITE_P(, TheResetOfEveryGpu, testing::ValuesIn(machine_ids()),
                         [](const auto& it) {
                             std::string name = it.param;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace passthru
