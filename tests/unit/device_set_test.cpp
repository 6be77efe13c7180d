// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/device_set.hpp"

#include "tests/unit/run.hpp"

#include <gtest/gtest.h>
#include <sstream>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;

/// All sets of a machine, each on a line: `0000:01:00.0 gpu; 0000:01:00.1 companion; `.
std::string sets_of(std::string_view drawing) {
    std::ostringstream text;
    for (const DeviceSet& set : device_sets(FakeKernel(drawing).inventory())) {
        PrintTo(set, &text);
        text << '\n';
    }
    return text.str();
}

TEST(AGraphicsCard, MovesWithItsAudioAndWithoutTheBridgeOfItsGroup) {
    EXPECT_EQ(sets_of(R"(
        00:01.0 0604 8086:460d group 1
          01:00.0 0300 10de:2489 group 1
          01:00.1 0403 10de:228b group 1
    )"),
              "0000:01:00.0 gpu; 0000:01:00.1 companion; \n");
}

TEST(AGraphicsCard, OfFourFunctionsMovesWithAllOfThem) {
    EXPECT_EQ(sets_of(R"(
        09:00.0 0300 10de:21c4 group 23
        09:00.1 0403 10de:1aeb group 23
        09:00.2 0c03 10de:1aec group 23
        09:00.3 0c80 10de:1aed group 23
    )"),
              "0000:09:00.0 gpu; 0000:09:00.1 companion; 0000:09:00.2 companion; 0000:09:00.3 "
              "companion; \n");
}

TEST(AGraphicsCard, KeepsItsAudioThoughThePlatformPutsItIntoAnotherGroup) {
    const Inventory inventory = FakeKernel(R"(
        03:00.0 0300 1002:73ef group 19
        03:00.1 0403 1002:ab28 group 20
    )")
                                    .inventory();
    const DeviceSet set = set_with(inventory, "03:00.0"_bdf);
    EXPECT_EQ(set.groups, (std::vector<int>{19, 20}));
    EXPECT_EQ(set.with_role(Role::Companion), std::vector<Bdf>{"03:00.1"_bdf});
}

TEST(AGraphicsCard, DragsInWhatSharesTheGroupOfItsAudio) {
    EXPECT_EQ(sets_of(R"(
        03:00.0 0300 1002:73ef group 19
        03:00.1 0403 1002:ab28 group 20
        04:00.0 0108 144d:a808 group 20
    )"),
              "0000:03:00.0 gpu; 0000:03:00.1 companion; 0000:04:00.0 foreign; \n");
}

TEST(AGraphicsCard, WithoutAnIommuIsASetWithoutGroups) {
    const DeviceSet set = set_with(FakeKernel("01:00.0 0302 10de:1c94").inventory(), "01:00.0"_bdf);
    EXPECT_TRUE(set.groups.empty());
    EXPECT_EQ(set.id(), "01:00.0"_bdf);
}

TEST(AChipsetGroup, MakesItsDisksAndNetworkForeign) {
    EXPECT_EQ(
        sets_of(R"(
        01:00.0 0c03 1022:43bb group 12
        01:00.1 0106 1022:43b7 group 12
        01:00.2 0604 1022:43b2 group 12
          06:00.0 0300 1002:699f group 12
          06:00.1 0403 1002:aae0 group 12
    )"),
        "0000:01:00.0 foreign; 0000:01:00.1 foreign; 0000:06:00.0 gpu; 0000:06:00.1 companion; \n");
}

TEST(TwoGraphicsCards, OfOneGroupAreOneSet) {
    EXPECT_EQ(
        sets_of(R"(
        01:00.0 0300 1002:6798 group 1
        01:00.1 0403 1002:aaa0 group 1
        02:00.0 0300 1002:6798 group 1
        02:00.1 0403 1002:aaa0 group 1
    )"),
        "0000:01:00.0 gpu; 0000:01:00.1 companion; 0000:02:00.0 gpu; 0000:02:00.1 companion; \n");
}

TEST(TwoGraphicsCards, ThatHangTogetherThroughTheirAudioAreOneSet) {
    EXPECT_EQ(
        sets_of(R"(
        01:00.0 0300 1002:6798 group 1
        01:00.1 0403 1002:aaa0 group 3
        02:00.0 0300 1002:6798 group 2
        02:00.1 0403 1002:aaa0 group 3
    )"),
        "0000:01:00.0 gpu; 0000:01:00.1 companion; 0000:02:00.0 gpu; 0000:02:00.1 companion; \n");
}

TEST(TwoGraphicsCards, OfTwoGroupsAreTwoSets) {
    EXPECT_EQ(sets_of(R"(
        01:00.0 0300 1002:6798 group 1
        02:00.0 0300 1002:6798 group 2
    )"),
              "0000:01:00.0 gpu; \n0000:02:00.0 gpu; \n");
}

TEST(AnApu, KeepsItsDisplayAudioOnlyAndLeavesTheBoardItsPorts) {
    EXPECT_EQ(sets_of(R"(
        38:00.0 0300 1002:15d8 group 11
        38:00.1 0403 1002:15de group 12
        38:00.2 1080 1022:15df group 13
        38:00.3 0c03 1022:15e0 group 14
        38:00.6 0403 1022:15e3 group 15
    )"),
              "0000:38:00.0 gpu; 0000:38:00.1 companion; \n");
}

TEST(AServersConsoleChip, LeavesTheManagementControllerItsUsb) {
    EXPECT_EQ(sets_of(R"(
        01:00.0 0880 103c:3306 group 33
        01:00.1 0300 102b:0533 group 33
        01:00.4 0c03 103c:3300 group 33
    )"),
              "0000:01:00.0 foreign; 0000:01:00.1 gpu; 0000:01:00.4 foreign; \n");
}

TEST(AHostBridgeInTheGroup, IsNeverAMember) {
    EXPECT_EQ(sets_of(R"(
        00:03.0 0600 1022:1482 group 2
        00:03.1 0604 1022:1483 group 2
          09:00.0 0300 10de:1e84 group 2
          09:00.1 0403 10de:10f8 group 2
    )"),
              "0000:09:00.0 gpu; 0000:09:00.1 companion; \n");
}

TEST(ADummyFunctionOfAmd, IsNeverAMember) {
    EXPECT_EQ(sets_of(R"(
        08:00.0 1300 1022:145a group 14
        08:00.1 0300 1002:699f group 14
    )"),
              "0000:08:00.1 gpu; \n");
}

TEST(AGpuWithTheHeaderOfABridge, HasNoSet) {
    Inventory inventory;
    Function odd;
    odd.bdf = {0, 1, 0, 0};
    odd.class_code = 0x0300;
    odd.has_secondary = true;
    inventory.functions[odd.bdf] = odd;
    EXPECT_TRUE(device_sets(inventory).empty());
}

}  // namespace
}  // namespace passthru
