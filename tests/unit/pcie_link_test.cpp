// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/pcie_link.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::operator""_bdf;

class APcieLink : public testing::Test {
protected:
    void put(const char* attribute, const std::string& text) const {
        kernel_.put("sys/bus/pci/devices/0000:01:00.0/" + std::string(attribute), text);
    }
    void put_link(const std::string& speed, const std::string& width) const {
        put("current_link_speed", speed);
        put("current_link_width", width);
        put("max_link_speed", "16.0 GT/s PCIe\n");
        put("max_link_width", "16\n");
    }
    [[nodiscard]] PcieLink link(const char* power_state = "D0") const {
        return read_pcie_link(Root(kernel_.path()), "01:00.0"_bdf, power_state);
    }

    const fakes::FakeKernel kernel_{"01:00.0 0300 10de:2489 group 1 driver nouveau"};
};

TEST_F(APcieLink, IsReadInMegatransfersAndLanes) {
    put_link("2.5 GT/s PCIe\n", "8\n");
    EXPECT_EQ(link(), (PcieLink{2500, 8, 16000, 16}));
    put_link("32.0 GT/s PCIe\n", "16\n");
    EXPECT_EQ(link(), (PcieLink{32000, 16, 16000, 16}));
}

TEST_F(APcieLink, IsZeroWhereTheKernelDoesNotKnowIt) {
    EXPECT_EQ(link(), PcieLink{});
    for (const char* speed : {"Unknown\n", "Unknown speed\n", "", "-8.0 GT/s PCIe\n", "8.0 GB/s\n",
                              "1e9 GT/s\n", "nan GT/s\n"}) {
        put_link(speed, "8\n");
        EXPECT_EQ(link(), (PcieLink{0, 8, 16000, 16})) << speed;
    }
    for (const char* width : {"63\n", "255\n", "-1\n", "x\n", ""}) {
        put_link("8.0 GT/s PCIe\n", width);
        EXPECT_EQ(link(), (PcieLink{8000, 0, 16000, 16})) << width;
    }
}

TEST_F(APcieLink, OfACardThatSleepsIsNotRead) {
    put_link("8.0 GT/s PCIe\n", "8\n");
    for (const char* state : {"D3cold", "D3hot", "unknown", ""}) {
        EXPECT_EQ(link(state), PcieLink{}) << state;
    }
}

}  // namespace
}  // namespace passthru
