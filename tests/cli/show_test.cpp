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
    return to_text(plan, 0);
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
    EXPECT_EQ(to_text(plan, 0),
              "GPU 0000:01:00.0 moves with 0000:01:00.0, 0000:01:00.1\n"
              "The detach would do:\n"
              "  1. take 0000:01:00.1 from snd_hda_intel\n"
              "  2. bind 0000:01:00.1 to vfio-pci\n"
              "To be known:\n"
              "  - the groups are not what they seem\n");
}

TEST(APlan, OfWhatIsDoneAlreadyHasNothingToDo) {
    EXPECT_EQ(to_text(PlanAnswer{}, 0), "Nothing has to be done.\n");
}

TEST(AListOfHolders, HasADashForWhatIsNotKnown) {
    EXPECT_EQ(to_text(std::vector<HolderRow>{{"console", "text console", 0, "", "/dev/fb0",
                                              "0000:01:00.0", "", ""}},
                      0),
              "KIND     PID  USER  COMMAND       NODE      SESSION  UNIT\n"
              "console  -    -     text console  /dev/fb0  -        -\n");
    EXPECT_EQ(to_text(std::vector<HolderRow>{}, 0), "Nobody has it open.\n");
}

TEST(AListOfGpus, TellsWhoHasEach) {
    GpuRow row;
    row.gpu.bdf = {0, 1, 0, 0};
    row.gpu.class_code = 0x0300;
    row.gpu.id = {0x10de, 0x2489};
    row.set = {{{row.gpu.bdf, Role::Gpu}}, {1, 14}};
    row.state = "guest";
    row.owner = {"domain", "c1a4f3d2-0000-4000-8000-000000000001", "win11"};
    const std::string headings = "GPU           STATE  OWNER         DRIVER  GROUP  MOVES  NAME\n";
    EXPECT_EQ(to_text(std::vector{row}, 0),
              headings +
                  "0000:01:00.0  guest  domain win11  -       1 14   1      VGA controller "
                  "10de:2489\n");
    EXPECT_EQ(to_text(std::vector<GpuRow>{}, 0), "This computer has no GPU on the PCI bus.\n");
}

}  // namespace
}  // namespace passthru::ctl
