// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/judge.hpp"

#include "tests/unit/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::HasSubstr;
using testing::Not;

Judgement judged(const FakeKernel& kernel, const Bdf& gpu, DetachWishes wishes = {},
                 const Findings& findings = {}) {
    const Inventory inventory = kernel.inventory();
    const DeviceSet set = set_with(inventory, gpu);
    return judge({set, wishes, inventory, findings});
}

std::optional<Error> refusal(const FakeKernel& kernel, const Bdf& gpu,
                             const std::vector<Bdf>& wanted = {}) {
    return judged(kernel, gpu, {wanted, {}, {}}).error();
}

constexpr std::string_view chipset_group = R"(
    00:02.0 0300 8086:4680 group 0 driver i915
    01:00.0 0c03 1022:43bb group 12 driver xhci_hcd
    01:00.1 0106 1022:43b7 group 12 driver ahci
    03:00.0 0200 10ec:8168 group 12
    06:00.0 0300 1002:699f group 12 driver amdgpu
    06:00.1 0403 1002:aae0 group 12 driver snd_hda_intel
)";

TEST(AGpuAloneWithItsAudio, IsNotRefused) {
    const FakeKernel kernel(R"(
        00:02.0 0300 8086:4680 group 0 driver i915
        01:00.0 0300 10de:2489 group 1 driver nouveau
        01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    )");
    EXPECT_EQ(refusal(kernel, "01:00.0"_bdf), std::nullopt);
}

TEST(AMachineWithoutIommu, RefusesEveryGpuAndTellsHowToSwitchItOn) {
    const auto error = refusal(FakeKernel("01:00.0 0300 10de:2489 driver nouveau"), "01:00.0"_bdf);
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, Errc::IommuOff);
    EXPECT_THAT(error->message, HasSubstr("intel_iommu=on"));
}

TEST(AGpuOutsideTheIommu, IsRefusedByItsOwnAddress) {
    const auto error = refusal(FakeKernel(R"(
        00:02.0 0300 8086:4680 group 0 driver i915
        01:00.0 0300 10de:2489 driver nouveau
    )"),
                               "01:00.0"_bdf);
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, Errc::IommuOff);
    EXPECT_THAT(error->message, HasSubstr("0000:01:00.0 is in no IOMMU group"));
}

TEST(AChipsetGroup, IsRefusedNamingEveryDeviceThatHasADriver) {
    const auto error = refusal(FakeKernel(chipset_group), "06:00.0"_bdf);
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, Errc::NotIsolated);
    EXPECT_THAT(error->message,
                HasSubstr("0000:01:00.0 (USB controller), 0000:01:00.1 (SATA controller)"));
    EXPECT_THAT(error->message, Not(HasSubstr("0000:03:00.0")));
}

TEST(AChipsetGroup, IsNotRefusedWhenTheVmListsAllOfIt) {
    const FakeKernel kernel(chipset_group);
    EXPECT_EQ(refusal(kernel, "06:00.0"_bdf, {"06:00.0"_bdf, "01:00.0"_bdf, "01:00.1"_bdf}),
              std::nullopt);
    const auto error = refusal(kernel, "06:00.0"_bdf, {"06:00.0"_bdf, "01:00.0"_bdf});
    ASSERT_TRUE(error.has_value());
    EXPECT_THAT(error->message, Not(HasSubstr("0000:01:00.0")));
    EXPECT_THAT(error->message, HasSubstr("0000:01:00.1"));
}

TEST(AChipsetGroup, OfAPictureWithoutDriversIsRefusedNamingAll) {
    const auto error = refusal(FakeKernel(R"(
        01:00.1 0106 1022:43b7 group 12
        06:00.0 0300 1002:699f group 12
    )"),
                               "06:00.0"_bdf);
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, Errc::NotIsolated);
}

TEST(TwoGpusOfOneGroup, AreRefusedToAVmThatListsOneNamingTheWholeOtherCard) {
    const FakeKernel kernel(R"(
        00:02.0 0300 8086:4680 group 0 driver i915
        01:00.0 0300 1002:6798 group 1 driver radeon
        01:00.1 0403 1002:aaa0 group 1 driver snd_hda_intel
        02:00.0 0300 1002:6798 group 1 driver radeon
        02:00.1 0403 1002:aaa0 group 1 driver snd_hda_intel
    )");
    const auto error = refusal(kernel, "01:00.0"_bdf, {"01:00.0"_bdf, "01:00.1"_bdf});
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, Errc::NotIsolated);
    EXPECT_THAT(error->message, HasSubstr("0000:02:00.0 (another GPU), 0000:02:00.1 (its audio)"));
    EXPECT_EQ(refusal(kernel, "01:00.0"_bdf, {"01:00.0"_bdf, "02:00.0"_bdf}), std::nullopt);
}

TEST(TheGpuThatTheComputerBootedOn, IsRefused) {
    const auto error =
        refusal(FakeKernel("00:02.0 0300 8086:4680 group 0 driver i915 boot_vga"), "00:02.0"_bdf);
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, Errc::BootGpu);
}

TEST(AMissingStubDriver, IsNamedWithTheCure) {
    const FakeKernel kernel(R"(
        00:02.0 0300 8086:4680 group 0 driver i915
        01:00.0 0300 10de:2489 group 1 driver nouveau
    )");
    kernel.unload_driver("vfio-pci");
    const auto error = refusal(kernel, "01:00.0"_bdf);
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, Errc::NoStubDriver);
    EXPECT_THAT(error->message, HasSubstr("modprobe vfio-pci"));
}

TEST(AMissingStubDriver, OfAListedForeignFunctionIsNamedToo) {
    const FakeKernel kernel(R"(
        00:02.0 0300 8086:4680 group 0 driver i915
        01:00.0 0300 10de:2489 group 1 driver nouveau
        02:00.0 0200 15b3:101e group 1 driver mlx5_core
    )");
    put_aliases(kernel, "alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n");
    const auto error = refusal(kernel, "01:00.0"_bdf, {"02:00.0"_bdf});
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, Errc::NoStubDriver);
    EXPECT_THAT(error->message, HasSubstr("mlx5_vfio_pci that 0000:02:00.0 needs"));
}

constexpr std::string_view card_beside_another = R"(
    00:02.0 0300 8086:4680 group 0 driver i915
    01:00.0 0300 10de:2489 group 1 driver nouveau
    01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    02:00.0 0108 144d:a808 group 1 driver nvme
)";

TEST(TheOnlyGpu, IsRefusedWhileTheHostShowsItsDesktopOnIt) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 group 1 driver nouveau");
    EXPECT_EQ(refusal(kernel, "01:00.0"_bdf).value().code, Errc::BootGpu);
    DetachWishes allowed;
    allowed.policy.boot_gpu = BootGpuRule::Allow;
    EXPECT_EQ(judged(kernel, "01:00.0"_bdf, allowed).error(), std::nullopt);
    EXPECT_EQ(judged(kernel, "01:00.0"_bdf, {{}, {}, {Errc::BootGpu}}).error(), std::nullopt);
}

TEST(TheOnlyGpuWithOutputs, IsRefusedBesideA3dController) {
    const FakeKernel kernel(R"(
        00:02.0 0300 8086:9a49 group 0 driver i915
        01:00.0 0302 10de:1f97 group 1 driver nouveau
    )");
    EXPECT_EQ(refusal(kernel, "00:02.0"_bdf).value().code, Errc::BootGpu);
    EXPECT_EQ(refusal(kernel, "01:00.0"_bdf), std::nullopt);
}

TEST(BothGpusOfAHost, AreNotTakenByOneVm) {
    const FakeKernel kernel(R"(
        01:00.0 0300 10de:2489 group 1 driver nouveau
        02:00.0 0300 1002:73bf group 2 driver amdgpu
    )");
    EXPECT_EQ(refusal(kernel, "01:00.0"_bdf), std::nullopt);
    EXPECT_EQ(refusal(kernel, "01:00.0"_bdf, {"01:00.0"_bdf, "02:00.0"_bdf}).value().code,
              Errc::BootGpu);
}

TEST(TheConsoleOfAServer, IsRefused) {
    const FakeKernel kernel(R"(
        03:00.0 0300 1a03:2000 group 1 driver ast
        17:00.0 0300 10de:1ff2 group 2 driver nouveau
    )");
    EXPECT_EQ(refusal(kernel, "03:00.0"_bdf).value().code, Errc::BootGpu);
}

TEST(AMountedDiskOfTheGroup, IsRefusedWantedOrNotAndCannotBeOverridden) {
    const FakeKernel kernel(card_beside_another);
    Findings findings;
    findings.critical = {{"02:00.0"_bdf, CriticalKind::Storage,
                          "holds /dev/nvme0n1p1, mounted at /data", "unmount /data first"}};
    const std::set<Errc> all = overridable();
    for (const DetachWishes& wishes :
         {DetachWishes{{"01:00.0"_bdf}, {}, all}, DetachWishes{{"02:00.0"_bdf}, {}, all}}) {
        const auto error = judged(kernel, "01:00.0"_bdf, wishes, findings).error();
        ASSERT_TRUE(error.has_value());
        EXPECT_EQ(error->code, Errc::HostCritical);
        EXPECT_THAT(error->message, HasSubstr("mounted at /data"));
    }
}

TEST(ANetworkCardInUse, IsRefusedUnlessSomebodyTakesItUponHimself) {
    const FakeKernel kernel(R"(
        00:02.0 0300 8086:4680 group 0 driver i915
        01:00.0 0300 10de:2489 group 1 driver nouveau
        02:00.0 0200 8086:15f3 group 1 driver igc
    )");
    Findings findings;
    findings.critical = {
        {"02:00.0"_bdf, CriticalKind::Network, "has eth0, which is up", "take eth0 down first"}};
    const std::vector<Bdf> wanted{"02:00.0"_bdf};
    EXPECT_EQ(judged(kernel, "01:00.0"_bdf, {wanted, {}, {}}, findings).error().value().code,
              Errc::HostCritical);
    EXPECT_EQ(judged(kernel, "01:00.0"_bdf, {wanted, {}, {Errc::HostCritical}}, findings).error(),
              std::nullopt);
}

TEST(AForeignFunction, MovesWhereThePolicyOfTheGpuNamesIt) {
    const FakeKernel kernel(card_beside_another);
    EXPECT_EQ(refusal(kernel, "01:00.0"_bdf).value().code, Errc::NotIsolated);
    DetachWishes wishes;
    wishes.policy.move_too = {"02:00.0"_bdf};
    EXPECT_EQ(judged(kernel, "01:00.0"_bdf, wishes).error(), std::nullopt);
}

TEST(AProgramOnTheGpu, IsNamedUnlessItIsWaitedFor) {
    const FakeKernel kernel(R"(
        00:02.0 0300 8086:4680 group 0 driver i915
        01:00.0 0300 10de:2489 group 1 driver nouveau
    )");
    Findings findings;
    findings.holders.resize(1);
    findings.holders[0].pid = 4711;
    findings.holders[0].command = "blender";
    findings.holders[0].node = "/dev/dri/card1";
    findings.holders[0].function = "01:00.0"_bdf;
    const auto error = judged(kernel, "01:00.0"_bdf, {}, findings).error();
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, Errc::InUse);
    EXPECT_THAT(error->message, HasSubstr("blender (pid 4711"));
    DetachWishes waiting;
    waiting.policy.in_use = WhenInUse::Wait;
    EXPECT_EQ(judged(kernel, "01:00.0"_bdf, waiting, findings).error(), std::nullopt);
    EXPECT_EQ(judged(kernel, "01:00.0"_bdf, {{}, {}, {Errc::InUse}}, findings).error(),
              std::nullopt);
    findings.holders[0].unit = "systemd-udevd.service";
    EXPECT_EQ(judged(kernel, "01:00.0"_bdf, {}, findings).error(), std::nullopt)
        << "it is waited for";
}

TEST(AProgramOnNvidiasDriver, IsNeverOverridden) {
    const FakeKernel kernel(R"(
        00:02.0 0300 8086:4680 group 0 driver i915
        01:00.0 0300 10de:2489 group 1 driver nvidia
    )");
    Findings findings;
    findings.holders.resize(1);
    findings.holders[0].pid = 4711;
    findings.holders[0].node = "/dev/nvidia0";
    findings.holders[0].function = "01:00.0"_bdf;
    EXPECT_EQ(judged(kernel, "01:00.0"_bdf, {{}, {}, {Errc::InUse}}, findings).error().value().code,
              Errc::InUse);
}

TEST(FirmwareMemory, IsRefusedByItsOwnName) {
    const FakeKernel kernel(R"(
        00:02.0 0300 8086:4680 group 0 driver i915
        01:00.0 0300 10de:2489 group 1 driver nouveau
    )");
    kernel.put("sys/kernel/iommu_groups/1/reserved_regions",
               "0x00000000e8000000 0x00000000e8ffffff direct\n"
               "0x00000000fee00000 0x00000000feefffff msi\n");
    EXPECT_EQ(refusal(kernel, "01:00.0"_bdf).value().code, Errc::ReservedMemory);
    kernel.put("sys/kernel/iommu_groups/1/reserved_regions",
               "0x00000000e8000000 0x00000000e8ffffff direct-relaxable\n");
    EXPECT_EQ(refusal(kernel, "01:00.0"_bdf), std::nullopt);
}

TEST(AnAcsOverride, IsToldWithWhatItMeans) {
    const FakeKernel kernel(R"(
        00:02.0 0300 8086:4680 group 0 driver i915
        01:00.0 0300 10de:2489 group 12 driver nouveau
        01:00.1 0403 10de:228b group 13 driver snd_hda_intel
    )");
    const Judgement judgement = judged(kernel, "01:00.0"_bdf);
    EXPECT_TRUE(judgement.refusals.empty());
    ASSERT_EQ(judgement.warnings.size(), 1);
    EXPECT_EQ(judgement.warnings[0].name, "acs-override");
}

}  // namespace
}  // namespace passthru
