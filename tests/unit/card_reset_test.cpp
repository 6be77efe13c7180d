// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/card_reset.hpp"

#include "libpassthru/plan/reattach_plan.hpp"
#include "libpassthru/plan/reset_plan.hpp"
#include "tests/unit/run.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;

using fakes::FakeKernel;
using fakes::Fault;
using fakes::operator""_bdf;
using testing::ElementsAre;
using testing::HasSubstr;
using Effect = FakeKernel::ResetEffect;

/// What was tried, as `flr well`.
struct Story {
    std::vector<std::string> trials;
    std::vector<std::string> messages;
    std::optional<Error> error;
};

class ACardOnTheStub : public testing::Test {
protected:
    /// Resets the whole set as the lead's chain says.
    [[nodiscard]] Story reset(ResetDemand demand = ResetDemand::IfPossible,
                              const ResetRules& rules = {}) const {
        const Inventory inventory = kernel_.inventory();
        Plan plan{PlanKind::Reset, reset_steps({gpu_, audio_}, inventory, rules, demand)};
        Story story;
        Executor executor(kernel_.root(), kernel_.doors());
        executor.run(plan, [&](const WorkerReport& report) {
            if (const auto* tried = std::get_if<ResetTried>(&report)) {
                story.trials.push_back(
                    fmt::format("{} {}", tried->trial.method, trial_end_name(tried->trial.end)));
                story.messages.push_back(tried->trial.message);
            }
            if (const auto* failed = std::get_if<PlanFailed>(&report)) story.error = failed->error;
        });
        EXPECT_TRUE(kernel_.accidents().empty()) << kernel_.accidents().front();
        return story;
    }

    /// The messages of the trials of `flr` and `pm`, when this happens in each reset.
    [[nodiscard]] std::vector<std::string> messages_when(
        const std::function<void()>& happens) const {
        ResetRules rules;
        rules.wanted[gpu_] = {"flr", "pm"};
        const Plan plan{PlanKind::Reset, reset_steps({gpu_, audio_}, kernel_.inventory(), rules,
                                                     ResetDemand::IfPossible)};
        KernelDoors doors = kernel_.doors();
        doors.write = [&](int folder, const char* name, std::string_view value) {
            if (std::string_view(name) == "reset") happens();
            return kernel_.doors().write(folder, name, value);
        };
        std::vector<std::string> messages;
        Executor(kernel_.root(), doors).run(plan, [&](const WorkerReport& report) {
            const auto* tried = std::get_if<ResetTried>(&report);
            if (tried != nullptr) messages.push_back(tried->trial.message);
        });
        return messages;
    }

    void put(const Bdf& bdf, std::string_view attribute, std::string_view text) const {
        kernel_.put(kernel_.path() / "sys/bus/pci/devices" / bdf.str() / attribute, text);
    }

    const Bdf gpu_ = "01:00.0"_bdf;
    const Bdf audio_ = "01:00.1"_bdf;
    const FakeKernel kernel_{R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 1002:67df group 1 driver vfio-pci override vfio-pci reset flr,pm
          01:00.1 0403 1002:aaf0 group 1 driver vfio-pci override vfio-pci reset none
    )"};
};

TEST_F(ACardOnTheStub, IsResetByTheFirstWayThatWorks) {
    const Story story = reset();
    EXPECT_FALSE(story.error);
    EXPECT_THAT(story.trials, ElementsAre("flr well"));
    EXPECT_THAT(kernel_.resets(), ElementsAre("flr 0000:01:00.0"));
}

TEST_F(ACardOnTheStub, HasItsMethodsInTheOrderOfBeforeAfterwards) {
    kernel_.plan_reset_effect(gpu_, "flr", Effect::Sleeps);
    std::ignore = reset();
    EXPECT_EQ(kernel_.attribute(gpu_, "reset_method"), "flr pm");
}

TEST_F(ACardOnTheStub, IsResetByTheNextWayWhenTheKernelCannot) {
    kernel_.plan_fault("reset", gpu_, Fault::InputOutput);
    const Story story = reset();
    EXPECT_FALSE(story.error);
    EXPECT_THAT(story.trials, ElementsAre("flr failed", "pm well"));
}

TEST_F(ACardOnTheStub, IsResetByTheNextWayWhenTheFirstKillsIt) {
    kernel_.plan_reset_effect(gpu_, "flr", Effect::Dies);
    kernel_.plan_reset_effect(gpu_, "bus", Effect::Heals);
    const Story story = reset();
    EXPECT_FALSE(story.error);
    EXPECT_THAT(story.trials, ElementsAre("flr not-well", "pm not-well", "bus well"));
    EXPECT_THAT(story.messages.front(), HasSubstr("0000:01:00.0 does not answer"));
}

TEST_F(ACardOnTheStub, ThatDoesNotWakeUpIsNotWell) {
    kernel_.plan_reset_effect(gpu_, "flr", Effect::Sleeps);
    const Story story = reset();
    ASSERT_FALSE(story.messages.empty());
    EXPECT_EQ(story.messages.front(), "0000:01:00.0 stays in D3hot");
    EXPECT_EQ(story.trials.back(), "remove_rescan well");
}

TEST_F(ACardOnTheStub, IsRemovedAndFoundAgainWhenNothingElseHelps) {
    kernel_.power_off(audio_);
    const Story story = reset();
    EXPECT_FALSE(story.error);
    EXPECT_THAT(story.trials,
                ElementsAre("flr not-well", "pm not-well", "bus not-well", "remove_rescan well"));
}

TEST_F(ACardOnTheStub, SleepsWithTheComputerWhereThatIsAskedFor) {
    ResetRules rules;
    rules.wanted[gpu_] = {"suspend"};
    const Story story = reset(ResetDemand::Required, rules);
    EXPECT_FALSE(story.error);
    EXPECT_THAT(story.trials, ElementsAre("suspend well"));
    EXPECT_THAT(kernel_.resets(), testing::Contains("suspend 0000:01:00.0"));
    EXPECT_EQ(kernel_.driver_of(gpu_), "vfio-pci");
}

TEST_F(ACardOnTheStub, ThatIsDeadIsAwayWhileTheComputerSleeps) {
    kernel_.power_off(gpu_);
    ResetRules rules;
    rules.wanted[gpu_] = {"suspend"};
    const Story story = reset(ResetDemand::Required, rules);
    EXPECT_FALSE(story.error);
    EXPECT_THAT(story.trials, ElementsAre("suspend well"));
    EXPECT_THAT(kernel_.resets(), ElementsAre("suspend 0000:00:01.0")) << "and nothing else";
}

TEST_F(ACardOnTheStub, ThatIsDeadAndStaysDetachedIsNotSentToSleep) {
    kernel_.power_off(gpu_);
    ResetRules rules;
    rules.wanted[gpu_] = {"suspend"};
    const Inventory inventory = kernel_.inventory();
    const auto plan = plan_set_reset(device_sets(inventory).front(), inventory, rules);
    ASSERT_TRUE(plan);
    std::optional<Error> error;
    Executor(kernel_.root(), kernel_.doors()).run(*plan, [&](const WorkerReport& report) {
        if (const auto* failed = std::get_if<PlanFailed>(&report)) error = failed->error;
    });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::NeedsReboot);
    EXPECT_THAT(error->message, HasSubstr("ask for Reset of 0000:01:00.0 to try again"));
    EXPECT_THAT(kernel_.resets(), testing::IsEmpty());
}

TEST_F(ACardOnTheStub, IsNotResetByAComputerThatKeepsItsPower) {
    KernelDoors doors = kernel_.doors();
    doors.sleep = sleep_in_ram;
    ResetRules rules;
    rules.wanted[gpu_] = {"suspend"};
    std::optional<Error> error;
    const Plan plan{PlanKind::Reset,
                    reset_steps({gpu_, audio_}, kernel_.inventory(), rules, ResetDemand::Required)};
    Executor(kernel_.root(), doors).run(plan, [&](const WorkerReport& report) {
        if (const auto* failed = std::get_if<PlanFailed>(&report)) error = failed->error;
    });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, Errc::ResetFailed);
    EXPECT_THAT(error->message, HasSubstr("does not sleep in RAM"));
}

TEST_F(ACardOnTheStub, CanBeSentToSleepWithAComputerThatWakesByItself) {
    const auto refusal = [&] {
        const auto clock = alarm_clock_for_sleep(kernel_.root());
        return clock ? "none" : clock.error().message;
    };
    const auto file = [&](std::string_view name, std::string_view text) {
        fs::create_directories((kernel_.path() / name).parent_path());
        kernel_.put(kernel_.path() / name, text);
    };
    EXPECT_THAT(refusal(), HasSubstr("does not sleep in RAM"));
    file("sys/power/mem_sleep", "[s2idle] deep\n");
    EXPECT_THAT(refusal(), HasSubstr("does not sleep in RAM"));
    file("sys/power/mem_sleep", "s2idle [deep]\n");
    EXPECT_THAT(refusal(), HasSubstr("no clock"));
    file("sys/class/rtc/rtc0/wakealarm", "1763770000\n");
    EXPECT_THAT(refusal(), HasSubstr("set for something else"));
    file("sys/class/rtc/rtc0/wakealarm", "");
    EXPECT_EQ(refusal(), "none");
}

TEST_F(ACardOnTheStub, IsNotRemovedWhileItIsWell) {
    for (const char* write : {"reset", "reset_method"}) {
        kernel_.plan_fault(write, gpu_, Fault::InputOutput, 0);
    }
    ResetRules rules;
    rules.wanted[gpu_] = {"flr", "remove_rescan"};
    const Story story = reset(ResetDemand::IfPossible, rules);
    EXPECT_FALSE(story.error) << "a card that is well goes on";
    EXPECT_THAT(story.trials, ElementsAre("flr failed"));
}

TEST_F(ACardOnTheStub, ThatCouldNotBeResetIsToldToWhoeverAskedForIt) {
    kernel_.plan_fault("reset", gpu_, Fault::InputOutput, 0);
    ResetRules rules;
    rules.wanted[gpu_] = {"flr"};
    const Story story = reset(ResetDemand::Required, rules);
    ASSERT_TRUE(story.error);
    EXPECT_EQ(story.error->code, Errc::ResetFailed);
    EXPECT_THAT(story.error->message, HasSubstr("tried were flr (Input/output error)"));
}

TEST_F(ACardOnTheStub, ThatIsDeadInTheEndNeedsAReboot) {
    for (const Bdf& bdf : {gpu_, audio_}) kernel_.power_off(bdf);
    kernel_.plan_fault("rescan", "00:01.0"_bdf, Fault::NoEffect);
    const Story story = reset();
    ASSERT_TRUE(story.error);
    EXPECT_EQ(story.error->code, Errc::NeedsReboot);
    EXPECT_THAT(story.error->message, HasSubstr("remove_rescan"));
    EXPECT_THAT(story.error->message, HasSubstr("reboot"));
}

TEST_F(ACardOnTheStub, IsResetByAModuleThatTheKernelsListDoesNotName) {
    Quirk polaris;
    polaris.vendor = 0x1002;
    polaris.prefer = {"device_specific"};
    const ResetRules rules{Quirks({polaris}), {}};
    EXPECT_THAT(reset(ResetDemand::IfPossible, rules).trials,
                ElementsAre("device_specific not-offered", "flr well"));
    kernel_.offer_device_specific(gpu_);
    EXPECT_THAT(reset(ResetDemand::IfPossible, rules).trials, ElementsAre("device_specific well"));
    EXPECT_EQ(kernel_.attribute(gpu_, "reset_method"), "flr pm");
}

TEST_F(ACardOnTheStub, ThatHasLostItsAddressesIsNotWell) {
    put(gpu_, "resource", "0x00000000fd000000 0x00000000fdffffff 0x0000000000040200\n");
    const Story story = reset();
    EXPECT_EQ(story.messages.front(), "0000:01:00.0 has lost its memory addresses");
}

TEST_F(ACardOnTheStub, WithFewerLanesThanBeforeIsTriedAgain) {
    put(gpu_, "current_link_width", "16\n");
    const auto messages = messages_when([this] { put(gpu_, "current_link_width", "4\n"); });
    EXPECT_THAT(messages, ElementsAre("the link of 0000:01:00.0 came back with 4 of 16 lanes", ""));
}

TEST_F(ACardOnTheStub, ThatReportsAnErrorMeanwhileIsTriedAgain) {
    put(gpu_, "aer_dev_fatal", "Undefined 0\nTLP 1\nTOTAL_ERR_FATAL 1\n");
    put(gpu_, "aer_dev_nonfatal", "TLP 0\nTOTAL_ERR_NONFATAL 0\n");
    const auto messages =
        messages_when([this] { put(gpu_, "aer_dev_nonfatal", "TLP 2\nTOTAL_ERR_NONFATAL 2\n"); });
    EXPECT_THAT(messages, ElementsAre("0000:01:00.0 reported 2 errors meanwhile (AER)", ""));
}

TEST_F(ACardOnTheStub, IsNeverResetUnderAHostDriver) {
    const Inventory inventory = kernel_.inventory();
    kernel_.move(audio_, "snd_hda_intel");
    for (const ResetDemand demand : {ResetDemand::IfPossible, ResetDemand::Required}) {
        const Plan plan{PlanKind::Reset, reset_steps({gpu_, audio_}, inventory, {}, demand)};
        const Ran ran = run(kernel_, plan);
        EXPECT_EQ(ran.finished(), demand == ResetDemand::IfPossible);
        EXPECT_TRUE(!ran.error || ran.error->code == Errc::InUse);
    }
    EXPECT_TRUE(kernel_.resets().empty());
}

TEST(ACardWithTwoFunctions, IsResetAsOneBusThoughTheKernelOffersNothingForIt) {
    const FakeKernel kernel(R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver vfio-pci reset bus
          01:00.1 0403 10de:228b group 1 driver vfio-pci
    )");
    const Plan plan{PlanKind::Reset, reset_steps({"01:00.0"_bdf, "01:00.1"_bdf}, kernel.inventory(),
                                                 {}, ResetDemand::Required)};
    EXPECT_TRUE(run(kernel, plan).finished());
    EXPECT_THAT(kernel.resets(), ElementsAre("bus 0000:01:00.0", "bus 0000:01:00.1"));
}

TEST(TwoCardsBehindOneBridge, AreResetTogetherWhereBothWereMoved) {
    const FakeKernel kernel(R"(
        00:16.0 0604 1b36:000e group 1 driver pcieport
          09:01.0 0300 1013:00b8 group 1 driver cirrus reset bus
          09:01.1 0403 8086:293e group 1 driver snd_hda_intel reset none
          09:02.0 0200 8086:100e group 1 driver e1000 reset none
    )");
    const Inventory inventory = kernel.inventory();
    const auto detach =
        plan_for(set_with(inventory, "09:01.0"_bdf), {"09:02.0"_bdf}, inventory).value();
    ASSERT_TRUE(run(kernel, detach.plan).finished());
    const Plan plan = plan_reattach(detach.record, kernel.inventory());
    EXPECT_EQ(plan_from_text(plan_to_text(plan)), plan) << "it arrives at the worker";
    const Ran ran = run(kernel, plan);
    ASSERT_TRUE(ran.finished()) << ran.error->message;
    EXPECT_THAT(kernel.resets(), testing::Contains("bus 0000:09:02.0"));
    EXPECT_EQ(kernel.driver_of("09:02.0"_bdf), "e1000");
}

TEST(AFunctionThatComesBackInAnotherGroup, GoesOnToItsHostDriver) {
    const FakeKernel kernel(R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel regroup 7
    )");
    Inventory inventory = kernel.inventory();
    const auto detach = plan_for(set_with(inventory, "01:00.0"_bdf), {}, inventory).value();
    ASSERT_TRUE(run(kernel, detach.plan).finished());
    kernel.power_off("01:00.1"_bdf);
    const Ran ran = run(kernel, plan_reattach(detach.record, kernel.inventory()));
    ASSERT_TRUE(ran.finished()) << ran.error->message;
    inventory = kernel.inventory();
    EXPECT_EQ(inventory.functions.at("01:00.1"_bdf).iommu_group, 7);
    EXPECT_EQ(inventory.functions.at("01:00.1"_bdf).driver, "snd_hda_intel");
    EXPECT_EQ(inventory.functions.at("01:00.0"_bdf).driver_override, std::nullopt);
}

}  // namespace
}  // namespace passthru
