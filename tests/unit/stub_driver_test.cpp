// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/run.hpp"

#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;

/// The lines that a Debian kernel has.
constexpr std::string_view aliases = R"(# Aliases extracted from modules themselves.
alias pci:v000010DEd*sv*sd*bc03sc00i00* nouveau
alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci
alias vfio_pci:v000010DEd00002342sv*sd*bc*sc*i* nvgrace_gpu_vfio_pci
alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci
)";

std::string stub_of(const FakeKernel& kernel) {
    const Inventory inventory = kernel.inventory();
    return stub_driver_for(inventory.functions.at("01:00.0"_bdf), inventory);
}

TEST(AnOrdinaryGpu, GoesToVfioPci) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 group 1");
    put_aliases(kernel, aliases);
    EXPECT_EQ(stub_of(kernel), "vfio-pci");
}

TEST(AGpuWithAVariantDriver, GoesToTheModuleWithTheFewestWildcards) {
    const FakeKernel kernel("01:00.0 0302 10de:2342 group 1");
    put_aliases(kernel, aliases);
    EXPECT_EQ(stub_of(kernel), "nvgrace_gpu_vfio_pci");
}

TEST(AGpuWithAVariantDriver, GoesToItInTheSpellingOfTheLoadedDriver) {
    const FakeKernel kernel("01:00.0 0302 10de:2342 group 1");
    put_aliases(kernel, aliases);
    kernel.load_driver("nvgrace-gpu-vfio-pci");
    EXPECT_EQ(stub_of(kernel), "nvgrace-gpu-vfio-pci");
}

TEST(AMachineWithoutAModuleList, UsesVfioPciForAll) {
    EXPECT_EQ(stub_of(FakeKernel("01:00.0 0302 10de:2342 group 1")), "vfio-pci");
}

TEST(AMalformedModuleList, IsReadAsFarAsItGoes) {
    const FakeKernel kernel("01:00.0 0302 10de:2342 group 1");
    put_aliases(kernel,
                "alias vfio_pci:\nalias vfio_pci:v* \nalias vfio_pci:[ x y z\nalias vfio_pci:v* "
                "other_vfio_pci");
    EXPECT_EQ(stub_of(kernel), "other_vfio_pci");
}

TEST(ADriversName, TellsWhetherItIsAStub) {
    for (const char* name : {"vfio-pci", "mlx5_vfio_pci", "xe-vfio-pci", "nvgrace-gpu-vfio-pci"}) {
        EXPECT_TRUE(is_stub_driver(name)) << name;
    }
    for (const char* name :
         {"", "vfio", "nouveau", "pci-stub", "vfio-pci-core-helper", "vfio_iommu_type1"}) {
        EXPECT_FALSE(is_stub_driver(name)) << name;
    }
}

}  // namespace
}  // namespace passthru
