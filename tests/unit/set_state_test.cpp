// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/set_state.hpp"

#include "tests/unit/run.hpp"

#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;

class ADeviceSet : public testing::Test {
protected:
    [[nodiscard]] SetState state() const { return set_state(set_, kernel_.inventory()); }

    const FakeKernel kernel_{R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel
        00:1f.0 0601 8086:7a84 group 1
    )"};
    const DeviceSet set_ = set_with(kernel_.inventory(), "01:00.0"_bdf);
};

TEST_F(ADeviceSet, OnItsHostDriversIsHost) {
    EXPECT_EQ(state(), SetState::Host);
}

TEST_F(ADeviceSet, WithoutAnyDriverIsHost) {
    kernel_.move("01:00.0"_bdf, std::nullopt);
    kernel_.move("01:00.1"_bdf, std::nullopt);
    EXPECT_EQ(state(), SetState::Host);
}

TEST_F(ADeviceSet, WhollyOnTheStubIsDetached) {
    kernel_.move("01:00.0"_bdf, "vfio-pci");
    kernel_.move("01:00.1"_bdf, "vfio-pci");
    EXPECT_EQ(state(), SetState::Detached);
}

TEST_F(ADeviceSet, PartlyOnTheStubIsMixed) {
    kernel_.move("01:00.1"_bdf, "vfio-pci");
    EXPECT_EQ(state(), SetState::Mixed);
    kernel_.move("01:00.0"_bdf, std::nullopt);
    EXPECT_EQ(state(), SetState::Mixed);
}

TEST_F(ADeviceSet, IsAGuestsWhileOneFunctionIsOpen) {
    kernel_.move("01:00.0"_bdf, "vfio-pci");
    kernel_.move("01:00.1"_bdf, "vfio-pci");
    ASSERT_TRUE(kernel_.open_by_guest("01:00.1"_bdf));
    EXPECT_EQ(state(), SetState::Guest);
    kernel_.close_by_guest("01:00.1"_bdf);
    EXPECT_EQ(state(), SetState::Detached);
}

TEST_F(ADeviceSet, WithAMissingFunctionIsGone) {
    kernel_.unplug("01:00.1"_bdf);
    EXPECT_EQ(state(), SetState::Gone);
}

TEST(EveryState, HasANameOfItsOwn) {
    std::set<std::string_view> names;
    for (const SetState state :
         {SetState::Host, SetState::Detached, SetState::Guest, SetState::Mixed, SetState::Gone}) {
        EXPECT_TRUE(names.insert(set_state_name(state)).second);
    }
}

}  // namespace
}  // namespace passthru
