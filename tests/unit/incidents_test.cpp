// SPDX-License-Identifier: LGPL-2.1-or-later
// What people reported without a listing of their whole machine, drawn from what they told; what
// they did not tell is drawn as usual. Each has the verdict of who knows the cause.
#include "libpassthru/plan/dry_run.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

/// What a detach of the GPU would be refused for, on the machine that the drawing shows:
/// `IommuOff 0001:01:00.0`.
std::vector<std::string> refusals(const FakeKernel& kernel, const Bdf& gpu) {
    const auto run = dry_run_detach(kernel.root(), gpu);
    if (!run) return {run.error().message};
    EXPECT_NE(run->judgement.refusals.empty(), run->steps.empty());
    std::vector<std::string> told;
    for (const Refusal& it : run->judgement.refusals) {
        told.push_back(fmt::format("{} {}", errc_name(it.code), it.function.str()));
    }
    return told;
}

TEST(ARaspberryPi5, RefusesItsCardBecauseNothingIsInAGroup) {
    const Bdf gpu{1, 1, 0, 0};
    const FakeKernel kernel("0001:01:00.0 0300 10de:1c82");
    EXPECT_THAT(refusals(kernel, gpu), ElementsAre("IommuOff 0001:01:00.0"));
}

TEST(AServerOfHewlettPackard, RefusesACardWhoseMemoryTheFirmwareKeeps) {
    const FakeKernel kernel(R"(
        01:00.1 0300 102b:0533 group 1 driver mgag200 boot_vga
        04:00.0 0302 10de:1eb8 group 20 driver nvidia
        04:00.1 0403 10de:10f8 group 21 driver snd_hda_intel
    )");
    kernel.put("sys/kernel/iommu_groups/21/reserved_regions",
               "0x00000000bdff6000 0x00000000bdffcfff direct\n"
               "0x00000000fee00000 0x00000000feefffff msi\n");
    EXPECT_THAT(refusals(kernel, "04:00.0"_bdf), ElementsAre("ReservedMemory 0000:04:00.1"));
}

TEST(ALaptopWhoseCardDoesNotWakeFromD3cold, RefusesItUntilItAnswers) {
    const FakeKernel kernel(R"(
        00:02.0 0300 8086:9bc4 group 0 driver i915 boot_vga
        01:00.0 0302 10de:1f95 group 1 driver nvidia dead
    )");
    EXPECT_THAT(refusals(kernel, "01:00.0"_bdf), ElementsAre("NotResponding 0000:01:00.0"));
}

TEST(ACardOnNvidiasDriver, IsRefusedWhileAnybodyHasIt) {
    const FakeKernel kernel(R"(
        00:02.0 0300 8086:a780 group 0 driver i915 boot_vga
        01:00.0 0300 10de:2c19 group 1 driver nvidia
        01:00.1 0403 10de:22e9 group 1 driver snd_hda_intel
    )");
    kernel.put("proc/driver/nvidia/gpus/0000:01:00.0/information", "Device Minor: \t 0\n");
    EXPECT_THAT(refusals(kernel, "01:00.0"_bdf), IsEmpty());
    for (const char* node : {"/dev/nvidia0", "/dev/dri/card1", "/dev/snd/controlC0"}) {
        kernel.add_process(812, "nvidia-powerd", {node});
        EXPECT_THAT(refusals(kernel, "01:00.0"_bdf), ElementsAre(StartsWith("InUse "))) << node;
    }
}

TEST(ALaptopsVega, IsRefusedWhereTheUsbOfTheHostIsInTheGroupOfItsAudio) {
    const FakeKernel kernel(R"(
        05:00.0 0300 1002:15d8 group 5 driver amdgpu boot_vga
        05:00.1 0403 1002:15de group 6 driver snd_hda_intel
        05:00.3 0c03 1022:15e0 group 6 driver xhci_hcd
        05:00.4 0c03 1022:15e1 group 6 driver xhci_hcd
    )");
    EXPECT_THAT(refusals(kernel, "05:00.0"_bdf),
                ElementsAre("NotIsolated 0000:05:00.3", "NotIsolated 0000:05:00.4",
                            "BootGpu 0000:05:00.0"));
}

TEST(AServerWithTwoEqualCards, GivesOneAndLeavesTheOther) {
    const FakeKernel kernel(R"(
        03:00.0 0300 1a03:2000 group 30 driver ast boot_vga
        c1:00.0 0302 10de:2321 group 65 driver nvidia
        e1:00.0 0302 10de:2321 group 55 driver nvidia
    )");
    const auto run = dry_run_detach(kernel.root(), "c1:00.0"_bdf);
    ASSERT_TRUE(run);
    EXPECT_THAT(run->judgement.refusals, IsEmpty());
    EXPECT_THAT(run->device_set, ElementsAre("c1:00.0"_bdf));
    for (const Step& step : run->steps) {
        EXPECT_THAT(functions_of(step), ElementsAre("c1:00.0"_bdf)) << describe(step);
    }
}

}  // namespace
}  // namespace passthru
