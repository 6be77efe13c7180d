// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/detach_plan.hpp"

#include "tests/unit/run.hpp"

#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;

DetachPlan planned(const FakeKernel& kernel, const Bdf& gpu, const std::vector<Bdf>& wanted = {}) {
    const Inventory inventory = kernel.inventory();
    return plan_for(set_with(inventory, gpu), wanted, inventory).value();
}

class AGroupWithItsAudioFunction : public testing::Test {
protected:
    const FakeKernel kernel_{R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    )"};
};

TEST_F(AGroupWithItsAudioFunction, IsDetachedWhole) {
    const auto plan = planned(kernel_, "01:00.0"_bdf).plan;
    const Ran ran = run(kernel_, plan);
    ASSERT_TRUE(ran.finished()) << ran.error->message;
    EXPECT_EQ(kernel_.driver_of("01:00.0"_bdf), "vfio-pci");
    EXPECT_EQ(kernel_.driver_of("01:00.1"_bdf), "vfio-pci");
    EXPECT_EQ(kernel_.driver_of("00:01.0"_bdf), "pcieport");
    EXPECT_TRUE(kernel_.open_by_guest("01:00.0"_bdf));
}

TEST_F(AGroupWithItsAudioFunction, KeepsItsOverrideOnTheStubSoThatNothingElseTakesIt) {
    run(kernel_, planned(kernel_, "01:00.0"_bdf).plan);
    EXPECT_EQ(kernel_.attribute("01:00.0"_bdf, "driver_override"), "vfio-pci");
    EXPECT_EQ(kernel_.attribute("01:00.1"_bdf, "driver_override"), "vfio-pci");
}

TEST_F(AGroupWithItsAudioFunction, IsLeftByTheCompanionsFirstAndByTheGpuLast) {
    const DetachPlan detach = planned(kernel_, "01:00.0"_bdf);
    EXPECT_EQ(detach.record.front().bdf, "01:00.1"_bdf);
    EXPECT_EQ(detach.record.back().bdf, "01:00.0"_bdf);
    EXPECT_EQ(detach.record.back().driver, "nouveau");
    EXPECT_EQ(describe(detach.plan.steps.back()), "bind 0000:01:00.0 to vfio-pci");
}

TEST_F(AGroupWithItsAudioFunction, IsAskedForItsHoldersBeforeTheFirstChange) {
    const Plan plan = planned(kernel_, "01:00.0"_bdf).plan;
    for (const Step& step : plan.steps) {
        if (std::holds_alternative<step::SetOverride>(step)) break;
        EXPECT_FALSE(std::holds_alternative<step::Unbind>(step));
        if (const auto* check = std::get_if<step::CheckUnused>(&step)) {
            EXPECT_EQ(check->functions.size(), 2U);
            return;
        }
    }
    FAIL() << "nobody was asked";
}

TEST_F(AGroupWithItsAudioFunction, IsNotTouchedAtAllWhileSomebodyHasTheCardOpen) {
    kernel_.add_process(812, "Xorg", {"/dev/dri/card0"});
    const std::string before = kernel_.dump();
    const Ran ran = run(kernel_, planned(kernel_, "01:00.0"_bdf).plan);
    ASSERT_FALSE(ran.finished());
    EXPECT_EQ(ran.error->code, Errc::InUse);
    EXPECT_EQ(difference(before, kernel_.dump()), "");
}

TEST(ACardThatMayFallAsleep, IsKeptAwakeFromBeforeTheFirstChange) {
    const FakeKernel kernel("01:00.0 0302 10de:1f95 group 1 driver nouveau control auto");
    const Plan plan = planned(kernel, "01:00.0"_bdf).plan;
    for (const Step& step : plan.steps) {
        if (only_looks(step)) continue;
        EXPECT_EQ(describe(step), "set power/control of 0000:01:00.0 to on");
        return;
    }
    FAIL() << "no step changes anything";
}

TEST(ACardWithoutDrivers, IsDetachedByProbingOnly) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 group 1");
    kernel.load_driver("nouveau");
    const Plan plan = planned(kernel, "01:00.0"_bdf).plan;
    EXPECT_FALSE(has<step::Unbind>(plan, "01:00.0"_bdf));
    ASSERT_TRUE(run(kernel, plan).finished());
    EXPECT_EQ(kernel.driver_of("01:00.0"_bdf), "vfio-pci");
}

TEST(ACardParkedOnTheStubSinceBoot, HasNothingToDo) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 group 1 driver vfio-pci override vfio-pci");
    const DetachPlan detach = planned(kernel, "01:00.0"_bdf);
    EXPECT_TRUE(detach.plan.steps.empty());
    EXPECT_EQ(detach.record.front().driver, "vfio-pci");
}

TEST(ACardHalfParked, IsCompleted) {
    const FakeKernel kernel(R"(
        01:00.0 0300 10de:2489 group 1 driver vfio-pci override vfio-pci
        01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    )");
    const Plan plan = planned(kernel, "01:00.0"_bdf).plan;
    EXPECT_FALSE(has<step::Unbind>(plan, "01:00.0"_bdf));
    ASSERT_TRUE(run(kernel, plan).finished());
    EXPECT_TRUE(kernel.open_by_guest("01:00.0"_bdf));
}

TEST(AForeignFunction, MovesOnlyWhereItIsListed) {
    constexpr std::string_view drawing = R"(
        01:00.0 0300 10de:2489 group 1 driver nouveau
        02:00.0 0108 144d:a808 group 1 driver nvme
        03:00.0 0c05 8086:a123 group 1
    )";
    const FakeKernel kernel(drawing);
    const Plan plan = planned(kernel, "01:00.0"_bdf, {"01:00.0"_bdf, "02:00.0"_bdf}).plan;
    EXPECT_TRUE(has<step::Unbind>(plan, "02:00.0"_bdf));
    ASSERT_TRUE(run(kernel, plan).finished());
    EXPECT_EQ(kernel.driver_of("02:00.0"_bdf), "vfio-pci");
    EXPECT_EQ(kernel.driver_of("03:00.0"_bdf), std::nullopt);
    EXPECT_TRUE(kernel.open_by_guest("01:00.0"_bdf));
}

TEST(ARefusal, GivesNoPlan) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 driver nouveau");
    const Inventory inventory = kernel.inventory();
    const auto plan = plan_for(set_with(inventory, "01:00.0"_bdf), {}, inventory);
    ASSERT_FALSE(plan.has_value());
    EXPECT_EQ(plan.error().code, Errc::IommuOff);
}

}  // namespace
}  // namespace passthru
