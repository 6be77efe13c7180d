// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/refusals.hpp"

#include "tests/unit/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::HasSubstr;
using testing::Not;

std::optional<Error> refusal(const FakeKernel& kernel, const Bdf& gpu,
                             const std::vector<Bdf>& wanted = {}) {
    const Inventory inventory = kernel.inventory();
    return refusal_for(set_with(inventory, gpu), wanted, inventory);
}

constexpr std::string_view chipset_group = R"(
    01:00.0 0c03 1022:43bb group 12 driver xhci_hcd
    01:00.1 0106 1022:43b7 group 12 driver ahci
    03:00.0 0200 10ec:8168 group 12
    06:00.0 0300 1002:699f group 12 driver amdgpu
    06:00.1 0403 1002:aae0 group 12 driver snd_hda_intel
)";

TEST(AGpuAloneWithItsAudio, IsNotRefused) {
    const FakeKernel kernel(R"(
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
    const FakeKernel kernel("01:00.0 0300 10de:2489 group 1 driver nouveau");
    kernel.unload_driver("vfio-pci");
    const auto error = refusal(kernel, "01:00.0"_bdf);
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, Errc::NoStubDriver);
    EXPECT_THAT(error->message, HasSubstr("modprobe vfio-pci"));
}

TEST(AMissingStubDriver, OfAListedForeignFunctionIsNamedToo) {
    const FakeKernel kernel(R"(
        01:00.0 0300 10de:2489 group 1 driver nouveau
        02:00.0 0200 15b3:101e group 1 driver mlx5_core
    )");
    put_aliases(kernel, "alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n");
    const auto error = refusal(kernel, "01:00.0"_bdf, {"02:00.0"_bdf});
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, Errc::NoStubDriver);
    EXPECT_THAT(error->message, HasSubstr("mlx5_vfio_pci that 0000:02:00.0 needs"));
}

}  // namespace
}  // namespace passthru
