// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/inventory.hpp"

#include "tests/fakes/fake_kernel.hpp"

#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;

TEST(AMachine, IsReadFunctionByFunction) {
    const FakeKernel kernel(R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 subsystem 1043:88c6 group 1 driver nouveau boot_vga reset flr,bus
          01:00.1 0403 10de:228b group 1 override none control auto
    )");
    const Inventory inventory = kernel.inventory();
    ASSERT_EQ(inventory.functions.size(), 3U);

    const Function& gpu = inventory.functions.at("01:00.0"_bdf);
    EXPECT_EQ(gpu.id, (PciId{0x10de, 0x2489}));
    EXPECT_EQ(gpu.subsystem, (PciId{0x1043, 0x88c6}));
    EXPECT_EQ(gpu.class_code, 0x0300);
    EXPECT_EQ(gpu.iommu_group, 1);
    EXPECT_EQ(gpu.driver, "nouveau");
    EXPECT_EQ(gpu.driver_override, std::nullopt);
    EXPECT_EQ(gpu.reset_methods, (std::vector<std::string>{"flr", "bus"}));
    EXPECT_EQ(gpu.power_state, "D0");
    EXPECT_EQ(gpu.enable_count, 1);
    EXPECT_EQ(gpu.modalias, "pci:v000010DEd00002489sv00001043sd000088C6bc03sc00i00");
    EXPECT_TRUE(gpu.boot_vga);
    EXPECT_TRUE(gpu.is_gpu());
    EXPECT_FALSE(gpu.is_bridge());

    const Function& audio = inventory.functions.at("01:00.1"_bdf);
    EXPECT_EQ(audio.driver, std::nullopt);
    EXPECT_EQ(audio.driver_override, "none");
    EXPECT_EQ(audio.power_control, "auto");
    EXPECT_FALSE(audio.boot_vga);

    EXPECT_TRUE(inventory.functions.at("00:01.0"_bdf).is_bridge());
    EXPECT_EQ(inventory.find("02:00.0"_bdf), nullptr);
    EXPECT_EQ(inventory.iommu_kind, "intel");
    EXPECT_EQ(inventory.stub_drivers, std::vector<std::string>{"vfio-pci"});
}

TEST(AMachine, TellsTheBridgeAboveEachFunction) {
    const FakeKernel kernel(R"(
        0000:00:01.0 0604 1022:1483
          0000:01:00.0 0604 1002:1478
            0000:02:00.0 0604 1002:1479
              0000:03:00.0 0300 1002:73bf
        10000:00:02.0 0604 8086:9a09
          10000:01:00.0 0108 144d:a808
    )");
    const Inventory inventory = kernel.inventory();
    const auto parent = [&](const Bdf& bdf) { return inventory.functions.at(bdf).parent; };
    EXPECT_EQ(parent("00:01.0"_bdf), std::nullopt);
    EXPECT_EQ(parent("01:00.0"_bdf), "00:01.0"_bdf);
    EXPECT_EQ(parent("03:00.0"_bdf), "02:00.0"_bdf);
    EXPECT_EQ(parent("10000:00:02.0"_bdf), std::nullopt);
    EXPECT_EQ(parent("10000:01:00.0"_bdf), "10000:00:02.0"_bdf);
}

TEST(ABridge, ThatCanResetAllBelowItIsToldByItsFile) {
    const FakeKernel kernel(R"(
        00:01.0 0604 8086:460d
        00:02.0 0604 8086:460d
    )");
    kernel.put("sys/devices/pci0000:00/0000:00:01.0/reset_subordinate", "");
    const Inventory inventory = kernel.inventory();
    EXPECT_TRUE(inventory.functions.at("00:01.0"_bdf).reset_subordinate);
    EXPECT_FALSE(inventory.functions.at("00:02.0"_bdf).reset_subordinate);
}

TEST(ANameOfAResetMethod, IsOneThatTheKernelCouldHave) {
    for (const char* name : {"flr", "device_specific", "cxl_bus", "d3cold", "x"}) {
        EXPECT_TRUE(is_reset_method(name)) << name;
    }
    for (const char* name : {"", "FLR", "flr ", "flr\n", "af-flr", "../reset", "ärger"}) {
        EXPECT_FALSE(is_reset_method(name)) << name;
    }
    EXPECT_TRUE(is_reset_method(std::string(32, 'a')));
    EXPECT_FALSE(is_reset_method(std::string(33, 'a')));
}

TEST(AMachine, OfAmdIsToldByItsIommu) {
    const FakeKernel kernel("00:00.0 0600 1022:1450 group 0");
    EXPECT_EQ(kernel.inventory().iommu_kind, "amd");
}

TEST(AMachine, WithoutGroupsHasNoIommu) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 driver nouveau");
    const Inventory inventory = kernel.inventory();
    EXPECT_EQ(inventory.iommu_kind, "none");
    EXPECT_EQ(inventory.functions.at("01:00.0"_bdf).iommu_group, std::nullopt);
}

TEST(AMachine, WithoutVfioPciHasNoStubDriver) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 driver nouveau");
    kernel.unload_driver("vfio-pci");
    EXPECT_TRUE(kernel.inventory().stub_drivers.empty());
}

TEST(AMachine, KnowsVariantDriversByTheirNames) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 driver nouveau");
    kernel.load_driver("nvgrace-gpu-vfio-pci");
    kernel.load_driver("mlx5_vfio_pci");
    EXPECT_EQ(kernel.inventory().stub_drivers,
              (std::vector<std::string>{"mlx5_vfio_pci", "nvgrace-gpu-vfio-pci", "vfio-pci"}));
}

TEST(AMachine, WithADomainOfFiveDigitsIsReadWhole) {
    const FakeKernel kernel(R"(
        0000:00:02.0  0300 1013:00b8 driver cirrus
        10000:00:04.0 0100 1af4:1001 driver virtio-pci
    )");
    EXPECT_NE(kernel.inventory().find("10000:00:04.0"_bdf), nullptr);
}

TEST(AnEmptyFolder, IsAnEmptyMachine) {
    const FakeKernel kernel("");
    EXPECT_EQ(read_inventory(Root(kernel.path() / "nothing")), Inventory{});
}

TEST(AGroup, IsListedWithItsBridgesInOrderOfAddress) {
    const FakeKernel kernel(R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.1 0403 10de:228b group 1
          01:00.0 0300 10de:2489 group 1
        00:02.0 0300 8086:4680 group 2
    )");
    std::string listed;
    const Inventory inventory = kernel.inventory();
    for (const Function* member : inventory.group(1)) listed += member->bdf.str() + " ";
    EXPECT_EQ(listed, "0000:00:01.0 0000:01:00.0 0000:01:00.1 ");
}

TEST(APictureWithoutAnyDriver, TellsNoDrivers) {
    EXPECT_FALSE(FakeKernel("01:00.0 0300 10de:2489 group 1").inventory().tells_drivers());
    EXPECT_TRUE(FakeKernel("01:00.0 0300 10de:2489 driver nouveau").inventory().tells_drivers());
}

}  // namespace
}  // namespace passthru
