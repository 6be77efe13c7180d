// SPDX-License-Identifier: LGPL-2.1-or-later
// What holds for every GPU of every machine picture, wherever a plan is cut off and whatever fails.
#include "libpassthru/plan/detach_plan.hpp"
#include "libpassthru/plan/reattach_plan.hpp"
#include "libpassthru/plan/undo.hpp"
#include "tests/unit/run.hpp"
#include "tests/unit/shapes.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <map>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::Fault;
using fakes::World;

constexpr Fault faults[] = {Fault::Busy, Fault::NoEffect, Fault::LateError};

/// The worker takes no LPC bridge, SMBus or memory controller, whoever lists it; the rest of such a
/// group moves as any other.
World without_board_functions(World world) {
    std::erase_if(world, [](const fakes::FakeFunction& it) {
        const std::uint32_t code = it.class_code >> 8;
        return code == 0x0601 || code == 0x0c05 || code == 0x0580;
    });
    return world;
}

/// One set on a machine of its own, with the VM listing all of it.
struct Case {
    explicit Case(const World& world)
        : kernel(without_board_functions(world)),
          inventory(kernel.inventory()),
          set(device_sets(inventory).front()) {
        for (const Member& member : set.members) wanted.push_back(member.bdf);
        detach = plan_for(set, wanted, inventory).value();
        before = kernel.dump();
    }

    void expect_as_before(const std::string& where) const {
        EXPECT_EQ(difference(before, kernel.dump()), "") << set.id().str() << " " << where;
        EXPECT_TRUE(kernel.accidents().empty()) << kernel.accidents().front() << " " << where;
    }

    /// Runs what brings the set home, and expects that it does.
    void bring_home(const Plan& back, const std::string& where) const {
        kernel.clear_faults();
        const Ran ran = run(kernel, back);
        EXPECT_TRUE(ran.finished()) << where << ": " << ran.error->message;
        expect_as_before(where);
    }

    [[nodiscard]] Plan reattach() const { return plan_reattach(detach.record, kernel.inventory()); }

    FakeKernel kernel;
    Inventory inventory;
    DeviceSet set;
    std::vector<Bdf> wanted;
    DetachPlan detach;
    std::string before;
};

/// Plans a fault for the write that this step makes; false for a step that writes nothing that
/// matters.
bool spoil(const FakeKernel& kernel, const Step& step, Fault fault) {
    const Bdf bdf = functions_of(step).front();
    if (std::holds_alternative<step::SetOverride>(step)) {
        kernel.plan_fault("driver_override", bdf, fault);
    } else if (std::holds_alternative<step::Unbind>(step)) {
        kernel.plan_fault("unbind", bdf, fault);
    } else if (std::holds_alternative<step::Probe>(step)) {
        kernel.plan_fault("drivers_probe", bdf, fault);
    } else {
        return false;
    }
    return true;
}

class EveryGpu : public testing::TestWithParam<std::string> {
protected:
    static void for_each_set(const std::function<void(const Case&)>& check) {
        for (const auto& [shape, world] : shapes_of(GetParam())) check(Case(world));
    }
};

/// For what takes longer, since the cost grows with the third power of the set: each shape once of
/// all machines together, without those of more functions than a card and one neighbour have.
void for_each_shape(const std::function<void(const Case&)>& check) {
    std::map<std::string, World> shapes;
    for (const std::string& machine : machine_ids()) shapes.merge(shapes_of(machine));
    ASSERT_GT(shapes.size(), 20U);
    for (const auto& [shape, world] : shapes) {
        const Case machine(world);
        if (machine.wanted.size() <= 5) check(machine);
    }
}

void expect_endpoints_only(const Case& machine, const Plan& plan) {
    for (const Step& step : plan.steps) {
        for (const Bdf& bdf : functions_of(step)) {
            const Function& function = machine.inventory.functions.at(bdf);
            EXPECT_FALSE(function.is_bridge() || function.is_furniture()) << describe(step);
        }
    }
}

TEST_P(EveryGpu, IsMovedWithoutNamingABridge) {
    for_each_set([](const Case& machine) {
        const Plan& detach = machine.detach.plan;
        expect_endpoints_only(machine, detach);
        for (std::size_t k = 0; k <= detach.steps.size(); ++k)
            expect_endpoints_only(machine, undo(detach, k));
        ASSERT_TRUE(run(machine.kernel, detach).finished());
        expect_endpoints_only(machine, machine.reattach());
    });
}

TEST_P(EveryGpu, CanBeOpenedByAGuestOnceItIsDetached) {
    for_each_set([](const Case& machine) {
        ASSERT_TRUE(run(machine.kernel, machine.detach.plan).finished());
        EXPECT_TRUE(machine.kernel.open_by_guest(machine.set.id())) << machine.set.id().str();
    });
}

TEST_P(EveryGpu, IsResetOnlyOnTheStubAndBeforeAnythingGoesHome) {
    for_each_set([](const Case& machine) {
        ASSERT_TRUE(run(machine.kernel, machine.detach.plan).finished());
        const Inventory detached = machine.kernel.inventory();
        bool going_home = false;
        for (const Step& step : machine.reattach().steps) {
            going_home = going_home || std::holds_alternative<step::Unbind>(step);
            const auto* reset = std::get_if<step::Reset>(&step);
            if (reset == nullptr) continue;
            EXPECT_FALSE(going_home) << describe(step);
            for (const Bdf& bdf : functions_of(step)) {
                EXPECT_TRUE(detached.functions.at(bdf).on_stub()) << describe(step);
            }
        }
    });
}

TEST_P(EveryGpu, ComesBackByteForByte) {
    for_each_set([](const Case& machine) {
        ASSERT_TRUE(run(machine.kernel, machine.detach.plan).finished());
        machine.bring_home(machine.reattach(), "after a whole detach");
        EXPECT_TRUE(machine.reattach().steps.empty());
    });
}

TEST_P(EveryGpu, EndsTheSameWhenAPlanIsRunTwice) {
    for_each_set([](const Case& machine) {
        ASSERT_TRUE(run(machine.kernel, machine.detach.plan).finished());
        const std::string detached = machine.kernel.dump();
        EXPECT_TRUE(run(machine.kernel, machine.detach.plan).finished());
        EXPECT_EQ(difference(detached, machine.kernel.dump()), "");
        const Plan reattach = machine.reattach();
        ASSERT_TRUE(run(machine.kernel, reattach).finished());
        machine.bring_home(reattach, "reattached twice");
    });
}

TEST(EveryKindOfGpu, IsBroughtHomeFromWhereverADetachWasKilled) {
    for_each_shape([](const Case& machine) {
        const Plan& detach = machine.detach.plan;
        for (std::size_t k = 0; k <= detach.steps.size(); ++k) {
            const std::string where = "killed after step " + std::to_string(k);
            // The step after the last report may have had its effect already, or not.
            for (const std::size_t effects : {k, k + 1}) {
                run(machine.kernel, first_steps(detach, effects));
                machine.bring_home(undo(detach, k), where + ", undone");
            }
            run(machine.kernel, first_steps(detach, k));
            machine.bring_home(machine.reattach(), where + ", reattached");
        }
    });
}

TEST(EveryKindOfGpu, IsBroughtHomeFromWhereverAReattachWasKilled) {
    for_each_shape([](const Case& machine) {
        run(machine.kernel, machine.detach.plan);
        const std::size_t length = machine.reattach().steps.size();
        for (std::size_t k = 0; k <= length; ++k) {
            run(machine.kernel, machine.detach.plan);
            run(machine.kernel, first_steps(machine.reattach(), k));
            machine.bring_home(machine.reattach(),
                               "killed after step " + std::to_string(k) + " of the reattach");
        }
    });
}

TEST(EveryKindOfGpu, IsBroughtHomeWhicheverWriteFails) {
    for_each_shape([](const Case& machine) {
        const Plan& detach = machine.detach.plan;
        for (const Step& step : detach.steps) {
            for (const Fault fault : faults) {
                if (!spoil(machine.kernel, step, fault)) continue;
                const Ran ran = run(machine.kernel, detach);
                machine.bring_home(undo(detach, ran.done), describe(step) + " failed, undone");
            }
            if (!spoil(machine.kernel, step, Fault::Busy)) continue;
            run(machine.kernel, detach);
            machine.bring_home(machine.reattach(), describe(step) + " failed, reattached");
        }
    });
}

TEST(EveryKindOfGpu, IsDetachedAgainWhereverAReattachFails) {
    for_each_shape([](const Case& machine) {
        ASSERT_TRUE(run(machine.kernel, machine.detach.plan).finished());
        const std::string detached = machine.kernel.dump();
        const Plan reattach = machine.reattach();
        for (const Step& step : reattach.steps) {
            if (!spoil(machine.kernel, step, Fault::Busy)) continue;
            const Ran ran = run(machine.kernel, reattach);
            machine.kernel.clear_faults();
            EXPECT_TRUE(run(machine.kernel, undo(reattach, ran.done)).finished());
            EXPECT_EQ(difference(detached, machine.kernel.dump()), "") << describe(step);
        }
    });
}

INSTANTIATE_TEST_SUITE_P(, EveryGpu, testing::ValuesIn(machine_ids()), [](const auto& it) {
    std::string name = it.param;
    std::ranges::replace(name, '-', '_');
    return name;
});

}  // namespace
}  // namespace passthru
