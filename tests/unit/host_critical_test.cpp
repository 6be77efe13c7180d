// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/critical_uses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utility>

namespace passthru {
namespace {

using fakes::HostTree;
using fakes::operator""_bdf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Bdf usb = "00:14.0"_bdf;
const Bdf nic = "04:00.0"_bdf;

class AFunctionOfTheHost : public testing::Test {
protected:
    [[nodiscard]] std::vector<std::string> uses_of(const std::vector<Bdf>& functions) const {
        return critical_uses(host_, functions);
    }

    const HostTree host_{
        R"(
        00:14.0 0c03 8086:7ae0
        00:1e.0 0604 8086:7ab1
          04:00.0 0200 8086:15f3
        00:1f.0 0601 8086:7a84
        00:1f.2 0580 8086:7aa1
        00:1f.4 0c05 8086:7aa3
        00:1f.5 0c80 8086:7aa4
    )",
        "disk sdb 8:16 at 00:14.0/usb1/1-4/1-4:1.0/host1/target1:0:0/1:0:0:0/block"};
};

class AnInterface : public AFunctionOfTheHost {};

TEST_F(AnInterface, IsFreeWhileItIsUpAndCarriesNothing) {
    host_.add(R"(
        nic eth0 up at 04:00.0
        address6 eth0 20
        route eth1 00000000 00000000
    )");
    EXPECT_THAT(uses_of({nic}), IsEmpty());
}

TEST_F(AnInterface, StaysWhileTheDefaultRouteGoesThroughIt) {
    host_.add(R"(
        nic eth0 up at 04:00.0
        route eth0 000200C0 00FFFFFF
        route eth0 00000000 00000000
    )");
    EXPECT_THAT(uses_of({nic, usb}),
                ElementsAre("0000:04:00.0 has eth0, which is up, and the default route goes "
                            "through it: take eth0 down first (ip link set eth0 down)"));
}

TEST_F(AnInterface, StaysWhileItIsUpWithAnAddress) {
    host_.add(R"(
        nic eth0 up at 04:00.0
        nic usb0 up at 00:14.0/usb1/1-2/1-2:1.0
        route eth0 000200C0 00FFFFFF
        address6 usb0 00
    )");
    EXPECT_THAT(uses_of({nic, usb}), ElementsAre(HasSubstr("04:00.0 has eth0, which is up, and it "
                                                           "has an IPv4 route: take eth0 down"),
                                                 HasSubstr("00:14.0 has usb0, which is up, and it "
                                                           "has an IPv6 address: take usb0 down")));
}

TEST_F(AnInterface, StaysWhileItIsAPort) {
    host_.add(R"(
        nic eth0 up at 04:00.0
        nic eth1 up at 04:00.0
        nic eth2 up at 04:00.0
        bridge br0
        bond bond0
        team team0
        port eth0 of br0
        port eth1 of bond0
        port eth2 of team0
    )");
    EXPECT_THAT(uses_of({nic}), ElementsAre("0000:04:00.0 has eth0, which is up, and it is part of "
                                            "bridge br0: take eth0 out of br0 first",
                                            HasSubstr("part of bond bond0: take eth1 out of bond0"),
                                            HasSubstr("part of team0: take eth2 out of team0")));
}

TEST_F(AnInterface, StaysWhileAVlanLiesUponIt) {
    host_.add(R"(
        nic eth0 up at 04:00.0/virtio2
        vlan eth0.10 upon eth0
    )");
    EXPECT_THAT(uses_of({nic}), ElementsAre("0000:04:00.0 has eth0, which is up, and eth0.10 lies "
                                            "upon it: remove eth0.10 first"));
}

TEST_F(AnInterface, IsFreeWhileItIsDownWhateverIsConfigured) {
    host_.add(R"(
        nic eth0 down at 04:00.0
        bridge br0
        port eth0 of br0
        vlan eth0.10 upon eth0
        route eth0 00000000 00000000
        address6 eth0 00
    )");
    EXPECT_THAT(uses_of({nic}), IsEmpty());
}

TEST_F(AnInterface, IsJudgedByTheHostsRoutesNotByOurOwnNamespaces) {
    host_.add("nic eth0 up at 04:00.0");
    host_.put("proc/net/route", "");
    host_.put("proc/1/net/route", "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
    EXPECT_THAT(uses_of({nic}), ElementsAre(HasSubstr("the default route")));
}

class AKeyboard : public AFunctionOfTheHost {};

TEST_F(AKeyboard, StaysWhenItIsTheOnlyOne) {
    host_.add(R"(
        keyboard input5 at 00:14.0/usb1/1-3/1-3:1.0/0003:046D:C31C.0001
        keyboard input9 at virtual/misc/uhid
        mouse input6 at platform/i8042/serio1
    )");
    EXPECT_THAT(uses_of({usb, nic}),
                ElementsAre("0000:00:14.0 has the only keyboard (Acme keyboard): plug a keyboard "
                            "into another controller first"));
}

TEST_F(AKeyboard, IsFreeWhileThereIsAnotherOnPs2) {
    host_.add(R"(
        keyboard input5 at 00:14.0/usb1/1-3/1-3:1.0/0003:046D:C31C.0001
        keyboard input3 at platform/i8042/serio0
    )");
    EXPECT_THAT(uses_of({usb}), IsEmpty());
}

TEST_F(AKeyboard, StaysWhenTheOtherOneWouldBeTakenAwayToo) {
    host_.add(R"(
        keyboard input5 at 00:14.0/usb1/1-3/1-3:1.0/0003:046D:C31C.0001
        keyboard input7 at 04:00.0/usb3/3-1/3-1:1.0/0003:046D:C31C.0002
    )");
    EXPECT_THAT(uses_of({usb}), IsEmpty());
    EXPECT_THAT(uses_of({usb, nic}), ElementsAre(HasSubstr("00:14.0 has the only keyboard"),
                                                 HasSubstr("04:00.0 has the only keyboard")));
}

TEST_F(AKeyboard, IsNoMouse) {
    host_.add("mouse input6 at 00:14.0/usb1/1-3/1-3:1.0/0003:046D:C077.0001");
    EXPECT_THAT(uses_of({usb}), IsEmpty());
}

TEST_F(AFunctionOfTheHost, ThatIsPartOfTheBoardAlwaysStays) {
    EXPECT_THAT(
        uses_of({"00:1f.0"_bdf, "00:1f.2"_bdf, "00:1f.4"_bdf, "00:1f.5"_bdf}),
        ElementsAre(
            "0000:00:1f.0 is the LPC bridge of the board: it can never be given to a VM",
            "0000:00:1f.2 is the memory controller of the board: it can never be given to a VM",
            "0000:00:1f.4 is the SMBus controller of the board: it can never be given to a VM",
            "0000:00:1f.5 is the SPI controller of the board: it can never be given to a VM"));
}

TEST_F(AFunctionOfTheHost, IsToldInTheOrderAskedForWithStorageFirst) {
    host_.add(R"(
        mount 8:16 /media/stick vfat /dev/sdb
        nic usb0 up at 00:14.0/usb1/1-2/1-2:1.0
        address6 usb0 00
        keyboard input5 at 00:14.0/usb1/1-3/1-3:1.0/0003:046D:C31C.0001
    )");
    std::vector<std::pair<Bdf, CriticalKind>> order;
    for (const CriticalUse& it : find_critical_uses(host_.root(), {"00:1f.0"_bdf, usb})) {
        order.emplace_back(it.function, it.kind);
    }
    EXPECT_THAT(order, ElementsAre(std::pair("00:1f.0"_bdf, CriticalKind::Board),
                                   std::pair(usb, CriticalKind::Storage),
                                   std::pair(usb, CriticalKind::Network),
                                   std::pair(usb, CriticalKind::Input)));
}

TEST(AGraphicsCard, IsFreeWithItsUsbAndItsUcsiFunction) {
    const HostTree host(R"(
        00:01.0 0604 8086:460d
          01:00.0 0300 10de:2489
          01:00.1 0403 10de:228b
          01:00.2 0c03 10de:1ad8
          01:00.3 0c80 10de:1ad9
    )",
                        "");
    EXPECT_THAT(find_critical_uses(host.root(),
                                   {"01:00.0"_bdf, "01:00.1"_bdf, "01:00.2"_bdf, "01:00.3"_bdf}),
                IsEmpty());
}

TEST(AGraphicsCardOfAVirtualMachine, IsFreeWithItsUcsiFunctionOnTheRootBus) {
    const HostTree host("00:05.0 0300 10de:2489\n00:05.3 0c80 10de:1ad9", "");
    EXPECT_THAT(find_critical_uses(host.root(), {"00:05.0"_bdf, "00:05.3"_bdf}), IsEmpty());
}

TEST(AnEmptyTree, HoldsNothingCritical) {
    EXPECT_THAT(find_critical_uses(Root("/nonexistent"), {usb}), IsEmpty());
}

}  // namespace
}  // namespace passthru
