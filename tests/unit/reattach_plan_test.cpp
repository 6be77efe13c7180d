// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/reattach_plan.hpp"

#include "libpassthru/plan/detach_plan.hpp"
#include "tests/unit/run.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::Fault;
using fakes::operator""_bdf;

class ADetachedCard : public testing::Test {
protected:
    ADetachedCard() {
        const Inventory inventory = kernel_.inventory();
        const auto detach = plan_for(set_with(inventory, "01:00.0"_bdf), {}, inventory).value();
        record_ = detach.record;
        EXPECT_TRUE(run(kernel_, detach.plan).finished());
    }

    [[nodiscard]] Plan reattach() const { return plan_reattach(record_, kernel_.inventory()); }

    const FakeKernel kernel_{R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nvidia matches nouveau,nvidia reset bus control auto
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel override snd_hda_intel reset pm control on
          01:00.2 0c03 10de:2300 group 1
    )"};
    SetRecord record_;
};

TEST_F(ADetachedCard, GoesBackToTheDriversThatItHad) {
    const Ran ran = run(kernel_, reattach());
    ASSERT_TRUE(ran.finished()) << ran.error->message;
    EXPECT_EQ(kernel_.driver_of("01:00.0"_bdf), "nvidia") << "though nouveau registered first";
    EXPECT_EQ(kernel_.driver_of("01:00.1"_bdf), "snd_hda_intel");
    EXPECT_EQ(kernel_.driver_of("01:00.2"_bdf), std::nullopt);
}

TEST_F(ADetachedCard, GetsTheOverridesBackThatItHad) {
    run(kernel_, reattach());
    EXPECT_EQ(kernel_.attribute("01:00.0"_bdf, "driver_override"), "(null)");
    EXPECT_EQ(kernel_.attribute("01:00.1"_bdf, "driver_override"), "snd_hda_intel");
    EXPECT_EQ(kernel_.attribute("01:00.2"_bdf, "driver_override"), "(null)");
}

TEST_F(ADetachedCard, SleepsAndWakesAgainAsItDidBefore) {
    kernel_.put(kernel_.path() / "sys/bus/pci/devices/0000:01:00.0/d3cold_allowed", "0\n");
    ASSERT_TRUE(run(kernel_, reattach()).finished());
    EXPECT_EQ(kernel_.attribute("01:00.0"_bdf, "power/control"), "auto");
    EXPECT_EQ(kernel_.attribute("01:00.0"_bdf, "d3cold_allowed"), "1");
    EXPECT_EQ(kernel_.attribute("01:00.1"_bdf, "power/control"), "on");
}

TEST_F(ADetachedCard, HasItsResetMethodsInTheOrderOfBefore) {
    kernel_.put(kernel_.path() / "sys/bus/pci/devices/0000:01:00.1/reset_method", "\n");
    ASSERT_TRUE(run(kernel_, reattach()).finished());
    EXPECT_EQ(kernel_.attribute("01:00.1"_bdf, "reset_method"), "pm");
}

TEST_F(ADetachedCard, IsFinishedWhereOnlyASettingIsNotYetAsBefore) {
    ASSERT_TRUE(run(kernel_, reattach()).finished());
    kernel_.put(kernel_.path() / "sys/bus/pci/devices/0000:01:00.0/power/control", "on\n");
    ASSERT_TRUE(run(kernel_, reattach()).finished());
    EXPECT_EQ(kernel_.attribute("01:00.0"_bdf, "power/control"), "auto");
    EXPECT_TRUE(reattach().steps.empty());
}

TEST_F(ADetachedCard, IsResetBeforeAnythingIsBoundToTheHost) {
    const Plan plan = reattach();
    EXPECT_TRUE(has<step::Reset>(plan, "01:00.1"_bdf));
    const auto is_reset = [](const Step& step) {
        return std::holds_alternative<step::Reset>(step);
    };
    const auto is_unbind = [](const Step& step) {
        return std::holds_alternative<step::Unbind>(step);
    };
    const auto first_unbind = std::ranges::find_if(plan.steps, is_unbind);
    EXPECT_TRUE(std::none_of(first_unbind, plan.steps.end(), is_reset));
}

TEST_F(ADetachedCard, IsResetAsAWhole) {
    ASSERT_TRUE(run(kernel_, reattach()).finished());
    EXPECT_EQ(kernel_.resets(), (std::vector<std::string>{"bus 0000:01:00.0", "bus 0000:01:00.1",
                                                          "bus 0000:01:00.2"}));
}

TEST_F(ADetachedCard, StaysWithTheGuestThatHasItOpen) {
    ASSERT_TRUE(kernel_.open_by_guest("01:00.0"_bdf));
    const std::string before = kernel_.dump();
    const Ran ran = run(kernel_, reattach());
    ASSERT_FALSE(ran.finished());
    EXPECT_EQ(ran.error->code, Errc::InUse);
    EXPECT_EQ(difference(before, kernel_.dump()), "");
}

TEST_F(ADetachedCard, ThatDoesNotAnswerAfterTheVmStaysOnTheStub) {
    kernel_.power_off("01:00.0"_bdf);
    kernel_.plan_fault("remove", "01:00.0"_bdf, Fault::InputOutput);
    const Ran ran = run(kernel_, reattach());
    ASSERT_FALSE(ran.finished());
    EXPECT_EQ(ran.error->code, Errc::NeedsReboot);
    EXPECT_EQ(kernel_.driver_of("01:00.0"_bdf), "vfio-pci");
}

TEST_F(ADetachedCard, IsLeftToTheToolThatTookIt) {
    kernel_.move("01:00.0"_bdf, "nouveau");
    const Plan plan = reattach();
    EXPECT_FALSE(has<step::Unbind>(plan, "01:00.0"_bdf));
    EXPECT_FALSE(has<step::Reset>(plan, "01:00.0"_bdf));
    ASSERT_TRUE(run(kernel_, plan).finished());
    EXPECT_EQ(kernel_.driver_of("01:00.0"_bdf), "nouveau");
    EXPECT_EQ(kernel_.driver_of("01:00.1"_bdf), "snd_hda_intel");
}

TEST_F(ADetachedCard, IsPartlyReturnedWhenOneFunctionIsGone) {
    kernel_.unplug("01:00.1"_bdf);
    ASSERT_TRUE(run(kernel_, reattach()).finished());
    EXPECT_EQ(kernel_.driver_of("01:00.0"_bdf), "nvidia");
}

TEST_F(ADetachedCard, ReturnsNothingOfAnotherCardInItsPlace) {
    record_.back().id.device = 0x1234;
    EXPECT_FALSE(has<step::Probe>(reattach(), "01:00.0"_bdf));
}

TEST_F(ADetachedCard, IsNotResetUnderItsDriverWhenThePlanIsRunTwice) {
    const Plan plan = reattach();
    ASSERT_TRUE(run(kernel_, plan).finished());
    const std::string once = kernel_.dump();
    EXPECT_TRUE(run(kernel_, plan).finished());
    EXPECT_EQ(difference(once, kernel_.dump()), "");
    EXPECT_TRUE(kernel_.accidents().empty());
}

TEST(ACardThatWasNeverMoved, HasNothingToReturn) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 group 1 driver nouveau");
    const Inventory inventory = kernel.inventory();
    EXPECT_TRUE(
        plan_reattach({record_of(inventory.functions.at("01:00.0"_bdf))}, inventory).steps.empty());
}

TEST(AParkedCard, IsNotTakenFromTheStub) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 group 1 driver vfio-pci override vfio-pci");
    const Inventory inventory = kernel.inventory();
    EXPECT_TRUE(
        plan_reattach({record_of(inventory.functions.at("01:00.0"_bdf))}, inventory).steps.empty());
}

}  // namespace
}  // namespace passthru
