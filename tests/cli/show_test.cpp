// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/show.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru::ctl {
namespace {

using testing::HasSubstr;

constexpr const char* not_isolated = "org.passthru1.Error.NotIsolated";
constexpr const char* host_critical = "org.passthru1.Error.HostCritical";
const std::string shares = "GPU 0000:06:00.0 shares its IOMMU group with ";

std::string text_of(std::vector<PlanAnswer::Refusal> refusals) {
    PlanAnswer plan;
    plan.gpu = "0000:06:00.0";
    plan.refusals = std::move(refusals);
    return to_text(plan, Screen{});
}

TEST(ARefusedPlan, TellsOneRemedyOnceForAllThatAreInTheWay) {
    EXPECT_EQ(text_of({{not_isolated, "0000:01:00.0", shares + "0000:01:00.0 (SATA controller)",
                        "use another slot"},
                       {not_isolated, "0000:02:00.0", shares + "0000:02:00.0 (USB controller)",
                        "use another slot"},
                       {not_isolated, "0000:03:00.0", shares + "0000:03:00.0 (its audio)",
                        "use another slot"}}),
              "The detach would be refused:\n"
              "  - NotIsolated: GPU 0000:06:00.0 shares its IOMMU group with 0000:01:00.0 (SATA "
              "controller), 0000:02:00.0 (USB controller), 0000:03:00.0 (its audio): use another "
              "slot\n");
}

TEST(ARefusedPlan, KeepsRemediesApartThatDiffer) {
    EXPECT_EQ(
        text_of(
            {{not_isolated, "0000:01:00.0", shares + "0000:01:00.0 (SATA controller)",
              "use another slot"},
             {not_isolated, "0000:02:00.0", shares + "0000:02:00.0 (USB controller)", "list it"},
             {not_isolated, "0000:03:00.0", shares + "0000:03:00.0 (audio)", "use another slot"}}),
        "The detach would be refused:\n"
        "  - NotIsolated: GPU 0000:06:00.0 shares its IOMMU group with 0000:01:00.0 (SATA "
        "controller), 0000:03:00.0 (audio): use another slot\n"
        "  - NotIsolated: GPU 0000:06:00.0 shares its IOMMU group with 0000:02:00.0 (USB "
        "controller): list it\n");
}

TEST(ARefusedPlan, KeepsErrorsApartThoughTheirRemedyIsTheSame) {
    EXPECT_EQ(text_of({{host_critical, "0000:01:00.0", "0000:01:00.0 holds the root file system",
                        "use another slot"},
                       {not_isolated, "0000:02:00.0", shares + "0000:02:00.0 (USB controller)",
                        "use another slot"}}),
              "The detach would be refused:\n"
              "  - HostCritical: 0000:01:00.0 holds the root file system: use another slot\n"
              "  - NotIsolated: GPU 0000:06:00.0 shares its IOMMU group with 0000:02:00.0 (USB "
              "controller): use another slot\n");
}

TEST(ARefusedPlan, TellsSentencesThatBeginOtherwiseOneAfterTheOther) {
    EXPECT_EQ(text_of({{host_critical, "0000:01:00.0", "0000:01:00.0 (NVMe disk) holds /",
                        "use another slot"},
                       {host_critical, "0000:01:00.0", "0000:01:00.0 (NVMe disk) holds /home",
                        "use another slot"}}),
              "The detach would be refused:\n"
              "  - HostCritical: 0000:01:00.0 (NVMe disk) holds /; 0000:01:00.0 (NVMe disk) holds "
              "/home: use another slot\n");
}

TEST(ARefusedPlan, NamesAnErrorThatIsNoneOfOurs) {
    EXPECT_THAT(text_of({{"Odd", "0000:01:00.0", "what", "cure"}}),
                HasSubstr("  - Odd: what: cure\n"));
}

TEST(APlan, CountsItsStepsAndTellsItsWarnings) {
    PlanAnswer plan;
    plan.gpu = "0000:01:00.0";
    plan.device_set = {"0000:01:00.0", "0000:01:00.1"};
    plan.steps = {{"unbind", "0000:01:00.1", "take 0000:01:00.1 from snd_hda_intel"},
                  {"probe", "0000:01:00.1", "bind 0000:01:00.1 to vfio-pci"}};
    plan.warnings = {{"acs-override", "0000:01:00.0", "the groups are not what they seem"}};
    EXPECT_EQ(to_text(plan, Screen{}),
              "GPU 0000:01:00.0 moves with 0000:01:00.0, 0000:01:00.1\n"
              "The detach would do:\n"
              "  1. take 0000:01:00.1 from snd_hda_intel\n"
              "  2. bind 0000:01:00.1 to vfio-pci\n"
              "To be known:\n"
              "  - the groups are not what they seem\n");
}

TEST(APlan, OfWhatIsDoneAlreadyHasNothingToDo) {
    EXPECT_EQ(to_text(PlanAnswer{}, Screen{}), "Nothing has to be done.\n");
}

TEST(AListOfHolders, HasADashForWhatIsNotKnown) {
    EXPECT_EQ(to_text(std::vector<HolderRow>{{"console", "text console", 0, "", "/dev/fb0",
                                              "0000:01:00.0", "", ""}},
                      Screen{}),
              "KIND     PID  USER  COMMAND       NODE      SESSION  UNIT\n"
              "console  -    -     text console  /dev/fb0  -        -\n");
    EXPECT_EQ(to_text(std::vector<HolderRow>{}, Screen{}), "Nobody has it open.\n");
}

GpuRow card() {
    GpuRow row;
    row.address = "0000:01:00.0";
    row.vendor_id = 0x10de;
    row.device_id = 0x2489;
    row.iommu_groups = {1, 14};
    row.functions = {{"0000:01:00.0", 0x0300, "VGA controller", 0x10de, 0x2489, "gpu", "vfio-pci",
                      std::nullopt, 1}};
    row.state = "guest";
    row.owner = OwnerRow{"domain", "c1a4f3d2-0000-4000-8000-000000000001", "win11"};
    return row;
}

TEST(AListOfGpus, TellsWhoHasEach) {
    EXPECT_EQ(to_text(std::vector{card()}, Screen{}),
              "GPU           STATE  OWNER         DRIVER    GROUP  MOVES  NAME\n"
              "0000:01:00.0  guest  domain win11  vfio-pci  1 14   1      VGA controller "
              "10de:2489\n");
    EXPECT_EQ(to_text(std::vector<GpuRow>{}, Screen{}),
              "This computer has no GPU on the PCI bus.\n");
}

TEST(AListOfGpus, NamesThemShortlyWhereTheScreenIsNarrow) {
    GpuRow row = card();
    row.model = "NVIDIA Corporation GA104 [GeForce RTX 3060 Ti]";
    EXPECT_THAT(to_text(std::vector{row}, Screen{200}), HasSubstr("NVIDIA Corporation GA104 ["));
    EXPECT_THAT(to_text(std::vector{row}, Screen{80}), HasSubstr("  GeForce RTX 3060 Ti\n"));
}

TEST(AListOfGpus, ColoursStates) {
    for (const auto& [state, colour] :
         std::vector<std::pair<std::string, std::string>>{{"host", "\x1b[32m"},
                                                          {"detached", "\x1b[33m"},
                                                          {"reattaching", "\x1b[33m"},
                                                          {"stuck", "\x1b[31m"},
                                                          {"failed", "\x1b[31m"}}) {
        GpuRow row = card();
        row.state = state;
        EXPECT_THAT(to_text(std::vector{row}, Screen{0, true}),
                    HasSubstr("  " + colour + state + "\x1b[0m  "));
    }
    EXPECT_THAT(to_text(std::vector{card()}, Screen{0, true}), HasSubstr("  guest  "));
}

TEST(TheTextOfAStatus, TellsEverythingThatIsKnown) {
    GpuRow row = card();
    row.state = "resetting";
    row.numa_node = 0;
    row.boot_vga = true;
    row.power_state = "D0";
    row.link = {2500, 8, 16000, 16};
    row.reset_methods = {"flr", "bus"};
    row.last_reset = {{"flr", 0, 1'500'000, "not-well", "it does not answer"},
                      {"bus", 0, 900'000, "well", ""}};
    row.last_error = ErrorRow{"org.passthru1.Error.InUse", "a program has it open"};
    row.job = JobRow{"reset", 1, 3, "reset 0000:01:00.0 by bus", 0};
    const std::string text = to_text(Details{{row}}, Screen{});
    EXPECT_THAT(text, HasSubstr("         GPU: 0000:01:00.0\n"));
    EXPECT_THAT(text,
                HasSubstr("10de:2489, VGA controller, the computer booted on it, NUMA node 0"));
    EXPECT_THAT(text, HasSubstr("       State: resetting\n"));
    EXPECT_THAT(text, HasSubstr("domain win11 (c1a4f3d2-0000-4000-8000-000000000001)\n"));
    EXPECT_THAT(text, HasSubstr("Job: reset, step 2 of 3: reset 0000:01:00.0 by bus\n"));
    EXPECT_THAT(text, HasSubstr("  Link: 2.5 GT/s, 8 lanes (up to 16 GT/s, 16 lanes)\n"));
    EXPECT_THAT(text, HasSubstr(" IOMMU group: 1, 14\n"));
    EXPECT_THAT(text, HasSubstr("   Resets by: flr, bus\n"));
    EXPECT_THAT(text, HasSubstr("  Last reset: flr: not-well, it does not answer ("));
    EXPECT_THAT(text, HasSubstr("\n              bus: well ("));
    EXPECT_THAT(text, HasSubstr("  Last error: InUse: a program has it open\n"));
    EXPECT_THAT(text, HasSubstr("  0000:01:00.0  gpu   vfio-pci  1      10de:2489  VGA"));
}

}  // namespace
}  // namespace passthru::ctl
