// SPDX-License-Identifier: LGPL-2.1-or-later
// The forms of passthructl(1), over machines that were recorded and drawn.
#include "tests/cli/on_a_machine.hpp"
#include "tests/unit/machine.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> plan_members{"action",   "device_set", "gpu",
                                            "refusals", "steps",      "warnings"};

constexpr const char* desktop = R"(
    00:01.0 0604 8086:460d group 1 driver pcieport
      01:00.0 0300 10de:2489 group 1 driver nouveau
      01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    00:02.0 0300 8086:4680 group 0 driver i915 boot_vga
    00:1f.0 0200 8086:15f3 group 5 driver igc
)";

TEST(AListAsJson, HasEveryGpuWithWhatTheManualNames) {
    const json list = OnAMachine(desktop).json({"list"});
    EXPECT_THAT(members(list), ElementsAre("gpus"));
    ASSERT_EQ(list["gpus"].size(), 2U);
    for (const json& gpu : list["gpus"]) {
        EXPECT_THAT(members(gpu), ElementsAre("address", "boot_vga", "class", "class_name",
                                              "device_id", "device_set", "driver", "iommu_groups",
                                              "model", "owner", "state", "vendor_id"));
    }
    EXPECT_EQ(list["gpus"][0]["address"], "0000:00:02.0");
    const json& card = list["gpus"][1];
    EXPECT_EQ(card["address"], "0000:01:00.0");
    EXPECT_EQ(card["class"], "0300");
    EXPECT_EQ(card["class_name"], "VGA controller");
    EXPECT_EQ(card["vendor_id"], "10de");
    EXPECT_EQ(card["device_id"], "2489");
    EXPECT_EQ(card["driver"], "nouveau");
    EXPECT_EQ(card["boot_vga"], false);
    EXPECT_EQ(list["gpus"][0]["boot_vga"], true);
    EXPECT_EQ(card["iommu_groups"], json({1}));
    EXPECT_EQ(card["device_set"], json({"0000:01:00.0", "0000:01:00.1"}));
    EXPECT_EQ(card["state"], "host");
    EXPECT_TRUE(card["owner"].is_null()) << "nobody was asked";
    EXPECT_TRUE(card["model"].is_null());
}

TEST(AListAsJson, IsTheDefault) {
    const OnAMachine machine(desktop);
    EXPECT_EQ(machine.json({}), machine.json({"list"}));
}

TEST(AListAsJson, HasNullForADriverAndNoGroupWhereThereIsNone) {
    const json list = OnAMachine("01:00.0 0302 10de:20b5").json({"list"});
    ASSERT_EQ(list["gpus"].size(), 1U);
    EXPECT_TRUE(list["gpus"][0]["driver"].is_null());
    EXPECT_EQ(list["gpus"][0]["iommu_groups"], json::array());
}

TEST(AListAsJson, IsEmptyOnAMachineWithoutAGpu) {
    EXPECT_EQ(OnAMachine("00:1f.0 0200 8086:15f3 group 5").json({"list"}),
              json({{"gpus", json::array()}}));
}

TEST(AListAsJson, HasAnAcceleratorThatTheConfigurationNames) {
    const OnAMachine machine("01:00.0 1200 1e36:0101 group 1 driver habanalabs");
    EXPECT_THAT(machine.json({"list"})["gpus"], IsEmpty());
    machine.kernel.put("etc/passthrud/passthrud.conf", "[gpu.\"0000:01:00.0\"]\n");
    EXPECT_EQ(machine.json({"list"})["gpus"].size(), 1U);
}

TEST(APlanAsJson, HasItsStepsAndNoRefusal) {
    const json plan = OnAMachine(desktop).json({"plan", "detach", "0000:01:00.0"});
    EXPECT_EQ(members(plan), plan_members);
    EXPECT_EQ(plan["action"], "detach");
    EXPECT_EQ(plan["gpu"], "0000:01:00.0");
    EXPECT_EQ(plan["device_set"], json({"0000:01:00.0", "0000:01:00.1"}));
    EXPECT_EQ(plan["refusals"], json::array());
    std::vector<std::string> moves;
    for (const json& step : plan["steps"]) {
        EXPECT_THAT(members(step), ElementsAre("function", "step", "text"));
        const std::string text = step["text"];
        EXPECT_THAT(text, HasSubstr(step["function"].get<std::string>()));
        if (step["step"] == "unbind" || step["step"] == "probe") moves.push_back(text);
    }
    ASSERT_EQ(moves.size(), 4U) << plan["steps"];
    EXPECT_THAT(moves[0], HasSubstr("0000:01:00.1")) << "companions come first";
    EXPECT_THAT(moves[3], HasSubstr("0000:01:00.0 to vfio-pci"));
}

TEST(APlanAsJson, IsTheCardsForItsAudioAndForAShortAddress) {
    const OnAMachine machine(desktop);
    const json plan = machine.json({"plan", "detach", "0000:01:00.0"});
    for (const char* name : {"01:00.0", "01:00.1", "0000:01:00.1"}) {
        EXPECT_EQ(machine.json({"plan", "detach", name}), plan) << name;
    }
}

TEST(APlanAsJson, WithARefusalHasNoSteps) {
    const json plan = OnAMachine(desktop).json({"plan", "detach", "00:02.0"});
    EXPECT_EQ(members(plan), plan_members);
    EXPECT_EQ(plan["steps"], json::array());
    ASSERT_EQ(plan["refusals"].size(), 1U);
    const json& refusal = plan["refusals"][0];
    EXPECT_THAT(members(refusal), ElementsAre("error", "function", "message", "remedy"));
    EXPECT_EQ(refusal["error"], "org.passthru1.Error.BootGpu");
    EXPECT_EQ(refusal["function"], "0000:00:02.0");
    EXPECT_THAT(refusal["message"].get<std::string>(), HasSubstr("booted on"));
    EXPECT_THAT(refusal["remedy"].get<std::string>(), HasSubstr("passthrud.conf(5)"));
}

TEST(APlanAsJson, FollowsTheConfigurationOfItsMachine) {
    const OnAMachine machine(desktop);
    machine.kernel.put("etc/passthrud/passthrud.conf",
                       "[gpu.\"0000:00:02.0\"]\nboot-gpu = \"allow\"\n");
    EXPECT_EQ(machine.json({"plan", "detach", "00:02.0"})["refusals"], json::array());
}

TEST(APlanAsJson, HasEveryReasonAndOneRefusalForEachFunctionInTheWay) {
    const OnAMachine machine(R"(
        01:00.0 0300 10de:2489 group 1 driver nouveau
        01:00.1 0403 10de:228b group 1 driver snd_hda_intel
        02:00.0 0106 1022:7901 group 1 driver ahci
        03:00.0 0c03 1022:43d5 group 1 driver xhci_hcd
        04:00.0 0300 1002:73bf group 2 driver amdgpu
    )");
    machine.kernel.add_process(812, "Xorg", {"/dev/dri/card0"});
    const json plan = machine.json({"plan", "detach", "01:00.0"});
    std::vector<std::string> told;
    for (const json& it : plan["refusals"]) {
        const std::string error = it["error"];
        told.push_back(error.substr(error.rfind('.') + 1) + " " +
                       it["function"].get<std::string>());
    }
    EXPECT_THAT(told, ElementsAre("NotIsolated 0000:02:00.0", "NotIsolated 0000:03:00.0",
                                  "InUse 0000:01:00.0"));
}

TEST(APlanAsJson, HasItsWarnings) {
    const OnAMachine machine(desktop);
    machine.kernel.put("proc/cmdline", "quiet pcie_acs_override=downstream\n");
    const json plan = machine.json({"plan", "detach", "01:00.0"});
    ASSERT_FALSE(plan["warnings"].empty());
    for (const json& warning : plan["warnings"]) {
        EXPECT_THAT(members(warning), ElementsAre("function", "message", "warning"));
    }
    EXPECT_EQ(plan["warnings"][0]["warning"], "acs-override");
    EXPECT_FALSE(plan["steps"].empty()) << "a warning is no refusal";
}

TEST(APlanAsJson, OfAGpuThatIsNotThereHasTheSameForm) {
    const json plan = OnAMachine(desktop).json({"plan", "detach", "09:00.0"});
    EXPECT_EQ(members(plan), plan_members);
    EXPECT_EQ(plan["gpu"], "0000:09:00.0");
    EXPECT_EQ(plan["device_set"], json::array());
    ASSERT_EQ(plan["refusals"].size(), 1U);
    EXPECT_EQ(plan["refusals"][0]["error"], "org.passthru1.Error.NoSuchGpu");
    EXPECT_EQ(plan["refusals"][0]["function"], "0000:09:00.0");
}

TEST(HoldersAsJson, HaveWhoHasTheCardOpen) {
    const OnAMachine machine(desktop);
    EXPECT_EQ(machine.json({"holders", "01:00.0"}), json({{"holders", json::array()}}));
    machine.kernel.add_process(812, "Xorg", {"/dev/dri/card1"});
    machine.kernel.add_process(813, "pipewire", {"/dev/snd/controlC0"});
    machine.kernel.add_process(814, "other", {"/dev/dri/card0"});
    const json list = machine.json({"holders", "01:00.1"});
    ASSERT_EQ(list["holders"].size(), 2U) << "of the whole card, and of no other: " << list;
    const json& xorg = list["holders"][0];
    EXPECT_THAT(members(xorg), ElementsAre("command", "function", "kind", "node", "pid", "session",
                                           "unit", "user"));
    EXPECT_EQ(xorg["command"], "Xorg");
    EXPECT_EQ(xorg["pid"], 812);
    EXPECT_EQ(xorg["kind"], "process");
    EXPECT_EQ(xorg["node"], "/dev/dri/card1");
    EXPECT_EQ(xorg["function"], "0000:01:00.0");
    EXPECT_EQ(list["holders"][1]["command"], "pipewire");
}

/// Each recorded machine, whatever its GPUs are.
class ARecordedMachine : public testing::TestWithParam<std::string> {};

TEST_P(ARecordedMachine, IsToldInTheDocumentedForms) {
    const OnAMachine machine = OnAMachine::picture(GetParam());
    const json list = machine.json({"list"});
    const Inventory inventory = machine.kernel.inventory();
    const auto gpus = std::ranges::count_if(inventory.functions,
                                            [](const auto& item) { return item.second.is_gpu(); });
    EXPECT_EQ(list["gpus"].size(), static_cast<std::size_t>(gpus));
    for (const json& gpu : list["gpus"]) {
        const std::string address = gpu["address"];
        SCOPED_TRACE(address);
        const json plan = machine.json({"plan", "detach", address});
        EXPECT_EQ(members(plan), plan_members);
        EXPECT_EQ(plan["gpu"], address);
        EXPECT_EQ(plan["device_set"], gpu["device_set"]);
        EXPECT_NE(plan["refusals"].empty(), plan["steps"].empty()) << plan;
    }
}

INSTANTIATE_TEST_SUITE_P(, ARecordedMachine, testing::ValuesIn(machine_ids()), [](const auto& it) {
    std::string name = it.param;
    std::ranges::replace(name, '-', '_');
    return name;
});

}  // namespace
}  // namespace passthru
