// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/undo.hpp"

#include "libpassthru/plan/detach_plan.hpp"
#include "tests/unit/run.hpp"

#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::Fault;
using fakes::operator""_bdf;

class ADetachThatFails : public testing::Test {
protected:
    /// Runs the detach into the planned fault and takes it back.
    Ran detach_and_undo() {
        const Inventory inventory = kernel_.inventory();
        const Plan plan = plan_for(set_with(inventory, "01:00.0"_bdf), {}, inventory).value().plan;
        const Ran ran = run(kernel_, plan);
        kernel_.clear_faults();
        const Ran back = run(kernel_, undo(plan, ran.done));
        EXPECT_TRUE(back.finished()) << back.error->message;
        return ran;
    }

    const FakeKernel kernel_{R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau control auto
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel
          01:00.2 0c03 10de:2300 group 1
    )"};
    const std::string before_ = kernel_.dump();
};

TEST_F(ADetachThatFails, AtTheLastBindIsTakenBackWhole) {
    kernel_.plan_fault("drivers_probe", "01:00.0"_bdf, Fault::Invalid);
    const Ran ran = detach_and_undo();
    ASSERT_FALSE(ran.finished());
    EXPECT_EQ(ran.error->code, Errc::BindFailed);
    EXPECT_EQ(difference(before_, kernel_.dump()), "");
}

TEST_F(ADetachThatFails, AtTheFirstUnbindIsTakenBackWhole) {
    kernel_.plan_fault("unbind", "01:00.1"_bdf, Fault::Busy);
    EXPECT_FALSE(detach_and_undo().finished());
    EXPECT_EQ(difference(before_, kernel_.dump()), "");
}

TEST_F(ADetachThatFails, AfterTheKernelBoundAnotherDriverIsTakenBackWhole) {
    // The override is lost on the way, so that the probe finds the host driver again.
    kernel_.plan_fault("driver_override", "01:00.0"_bdf, Fault::NoEffect);
    EXPECT_FALSE(detach_and_undo().finished());
    EXPECT_EQ(difference(before_, kernel_.dump()), "");
}

TEST(TheUndoOfNothing, IsAnEmptyPlan) {
    EXPECT_TRUE(undo(Plan{}, 0).steps.empty());
    EXPECT_TRUE(undo(Plan{}, 7).steps.empty());
}

TEST(TheUndoOfChecks, IsAnEmptyPlan) {
    const Bdf gpu = "01:00.0"_bdf;
    const Plan plan{PlanKind::Detach,
                    {step::CheckAnswers{gpu, {}}, step::CheckUnused{{gpu}},
                     step::SetOverride{gpu, {}, "vfio-pci"}}};
    EXPECT_TRUE(undo(plan, 0).steps.empty());
    EXPECT_TRUE(undo(plan, 1).steps.empty());
    EXPECT_EQ(undo(plan, 2).steps, (std::vector<Step>{step::SetOverride{gpu, "vfio-pci", {}}}));
}

TEST(TheUndo, GoesBackInTheOppositeOrder) {
    const Bdf audio = "01:00.1"_bdf;
    const Bdf gpu = "01:00.0"_bdf;
    const Plan plan{
        PlanKind::Detach,
        {step::SetOverride{audio, "a", "vfio-pci"}, step::SetOverride{gpu, "b", "vfio-pci"}}};
    const Plan back = undo(plan, 2);
    EXPECT_EQ(back.kind, PlanKind::Undo);
    EXPECT_EQ(back.steps, (std::vector<Step>{step::SetOverride{gpu, "vfio-pci", "b"},
                                             step::SetOverride{audio, "vfio-pci", "a"}}));
}

}  // namespace
}  // namespace passthru
