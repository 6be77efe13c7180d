// SPDX-License-Identifier: LGPL-2.1-or-later
// What the files in libpassthru/quirks mean for the cards that they are about.
#include "tests/fakes/fake_kernel.hpp"
#include "tests/unit/reset_world.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::operator""_bdf;
using Names = std::vector<std::string>;

CardQuirk quirk_of(PciId id, ClassCode class_code = 0x0300, PciId subsystem = {}) {
    static const Quirks quirks = shipped_quirks();
    Function function;
    function.id = id;
    function.class_code = class_code;
    function.subsystem = subsystem;
    return quirks.for_function(function);
}

/// The chain of such a card of GPU and audio, behind a bridge that can reset it, under the shipped
/// quirks; where the card has four functions or one only that is drawn by the test.
std::string chain_of(const std::string& id, const std::string& methods,
                     const std::string& more = "") {
    const ResetWorld world = ResetWorld(fmt::format(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 {} driver vfio-pci reset {} {}
          01:00.1 0403 {}:aaf0 driver vfio-pci reset none
    )",
                                                    id, methods, more, id.substr(0, 4)))
                                 .with_new_kernel();
    ResetRules rules;
    rules.quirks = shipped_quirks();
    return world.chains(rules);
}

constexpr const char* bus_and_removal =
    " hot bus 01:00.0 01:00.1; bridge bus 01:00.0 01:00.1 below 00:01.0; "
    "removal 01:00.0 01:00.1 below 00:01.0";

TEST(TheShippedQuirks, AskForVendorResetOnEveryCardThatItKnowsAndOnNoOther) {
    // gnif/vendor-reset, src/device-db.h; all of vendor 1002.
    const std::vector<std::uint16_t> known{
        0x67c0, 0x67c1, 0x67c2, 0x67c4, 0x67c7, 0x67d0, 0x67df, 0x67c8, 0x67c9, 0x67ca,
        0x67cc, 0x67cf, 0x6fdf, 0x67e0, 0x67e3, 0x67e8, 0x67eb, 0x67ef, 0x67ff, 0x67e1,
        0x67e7, 0x67e9, 0x6980, 0x6981, 0x6985, 0x6986, 0x6987, 0x6995, 0x6997, 0x699f,
        0x6860, 0x6861, 0x6862, 0x6863, 0x6864, 0x6867, 0x6868, 0x6869, 0x686a, 0x686b,
        0x686c, 0x686d, 0x686e, 0x686f, 0x687f, 0x66a0, 0x66a1, 0x66a2, 0x66a3, 0x66a4,
        0x66a7, 0x66af, 0x7310, 0x7312, 0x7318, 0x7319, 0x731a, 0x731b, 0x731e, 0x731f,
        0x7340, 0x7341, 0x7347, 0x734f, 0x7360, 0x7362, 0x738c};
    for (unsigned device = 0; device <= 0xffff; ++device) {
        const auto id = static_cast<std::uint16_t>(device);
        const bool is_known = std::ranges::find(known, id) != known.end();
        EXPECT_EQ(quirk_of({0x1002, id}).prefer, is_known ? Names{"device_specific"} : Names{})
            << fmt::format("1002:{:04x}", device);
    }
}

TEST(TheShippedQuirks, AskForVendorResetOnCardsOfAmdOnly) {
    const Quirks shipped = shipped_quirks();
    for (const Quirk& entry : shipped.entries()) {
        const Names prefer = entry.prefer.value_or(Names{});
        if (std::ranges::find(prefer, "device_specific") != prefer.end()) {
            EXPECT_EQ(entry.vendor, 0x1002);
        }
    }
}

TEST(AnRx580, IsResetByVendorResetFirst) {
    EXPECT_EQ(chain_of("1002:67df", "bus"),
              std::string("01:00.0 01:00.1: device_specific 01:00.0;") + bus_and_removal);
}

TEST(GigabytesRx560, IsNotResetByVendorReset) {
    EXPECT_EQ(chain_of("1002:67ff", "bus", "subsystem 1458:22ff"),
              std::string("01:00.0 01:00.1:") + bus_and_removal);
    EXPECT_EQ(chain_of("1002:67ff", "device_specific", "subsystem 1458:22ff"),
              std::string("01:00.0 01:00.1:") + bus_and_removal);
    EXPECT_EQ(chain_of("1002:67ff", "bus", "subsystem 1043:04be"),
              std::string("01:00.0 01:00.1: device_specific 01:00.0;") + bus_and_removal);
}

TEST(AnRx5700, IsKeptOutOfD3coldWhileItIsLent) {
    const CardQuirk quirk = quirk_of({0x1002, 0x731f});
    EXPECT_EQ(quirk.prefer, Names{"device_specific"});
    EXPECT_EQ(quirk.d3cold, SleepRule::Forbid);
    EXPECT_TRUE(quirk.companions_too);
}

TEST(AnAmdCardAfterNavi1x, HasTheKernelsChainAndAdvice) {
    for (const int device : {0x73bf, 0x73df, 0x73ff, 0x744c}) {
        const CardQuirk quirk = quirk_of({0x1002, static_cast<std::uint16_t>(device)});
        EXPECT_EQ(quirk.d3cold, SleepRule::Forbid) << device;
        EXPECT_NE(quirk.advice, quirk_of({0x1234, 1}).advice) << device;
    }
    EXPECT_EQ(chain_of("1002:73bf", "bus"), std::string("01:00.0 01:00.1:") + bus_and_removal);
}

TEST(AnAmdGpu, HasItsAudioResetAsWell) {
    EXPECT_TRUE(quirk_of({0x1002, 0x7550}).companions_too);
    EXPECT_FALSE(quirk_of({0x1002, 0xab28}, 0x0403).companions_too);
}

TEST(AnApuOfAmd, HasAdviceAndNoVendorReset) {
    for (const int device : {0x15dd, 0x15d8, 0x1636, 0x1638, 0x164c, 0x1681, 0x1900}) {
        const CardQuirk quirk = quirk_of({0x1002, static_cast<std::uint16_t>(device)});
        EXPECT_TRUE(quirk.advice.contains("RadeonResetBugFix")) << device;
        EXPECT_EQ(quirk.d3cold, SleepRule::Forbid) << device;
    }
}

TEST(AnMi355x, IsNotResetAsAWhole) {
    const ResetWorld world = ResetWorld(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 1200 1002:75a3 driver vfio-pci reset flr,bus
    )");
    ResetRules rules;
    rules.quirks = shipped_quirks();
    EXPECT_EQ(world.chains(rules), "01:00.0:");
}

TEST(AnNvidiaCard, HasTheKernelsChainAndDoesNotSleepWhileItIsLent) {
    EXPECT_EQ(chain_of("10de:2489", "flr,bus"),
              std::string("01:00.0 01:00.1: flr 01:00.0;") + bus_and_removal);
    EXPECT_EQ(quirk_of({0x10de, 0x2489}).d3cold, SleepRule::Forbid);
    EXPECT_EQ(quirk_of({0x10de, 0x2489}).idle_d3, SleepRule::Forbid);
    EXPECT_EQ(quirk_of({0x10de, 0x228b}, 0x0403).d3cold, SleepRule::Leave);
}

TEST(AnNvidiaCardThatABusResetKills, IsNotResetSo) {
    for (const char* id : {"10de:2340", "10de:2342", "10de:237f", "10de:1eb8"}) {
        EXPECT_EQ(chain_of(id, "flr,bus"),
                  "01:00.0 01:00.1: flr 01:00.0; removal 01:00.0 01:00.1 below 00:01.0")
            << id;
    }
    EXPECT_TRUE(quirk_of({0x10de, 0x233f}).avoid.empty());
    EXPECT_TRUE(quirk_of({0x10de, 0x2380}).avoid.empty());
}

TEST(AnRtx5070Ti, IsResetByFlrFirst) {
    EXPECT_EQ(chain_of("10de:2c05", "bus,flr"),
              std::string("01:00.0 01:00.1: flr 01:00.0;") + bus_and_removal);
}

TEST(ALaptopsGtx1650Ti, DoesNotSleepWhileItIsLentAndHasAdvice) {
    const CardQuirk quirk = quirk_of({0x10de, 0x1f95}, 0x0302);
    EXPECT_EQ(quirk.d3cold, SleepRule::Forbid);
    EXPECT_EQ(quirk.idle_d3, SleepRule::Forbid);
    EXPECT_TRUE(quirk.advice.contains("nvidia-persistenced"));
}

TEST(AnHd630, IsNotResetByFlr) {
    ResetRules rules;
    rules.quirks = shipped_quirks();
    const ResetWorld world("00:02.0 0300 8086:5912 driver vfio-pci reset flr");
    EXPECT_EQ(world.chains(rules), "00:02.0: removal 00:02.0");
    rules.wanted["00:02.0"_bdf] = {"flr"};
    EXPECT_EQ(world.chains(rules), "00:02.0: flr 00:02.0") << "as its advice says";
}

TEST(AnArcCard, HasTheKernelsChain) {
    EXPECT_EQ(chain_of("8086:56a0", "flr,bus"),
              std::string("01:00.0 01:00.1: flr 01:00.0;") + bus_and_removal);
}

TEST(AGraphicsController, OfAnyMakerIsResetAfterTheVmAndHasAdvice) {
    const CardQuirk quirk = quirk_of({0x1234, 0x1111});
    EXPECT_EQ(quirk.when, ResetWhen::AfterStop);
    EXPECT_EQ(quirk.remove_rescan, RemoveRescanRule::WhenDead);
    EXPECT_TRUE(quirk.advice.contains("RAM"));
}

}  // namespace
}  // namespace passthru
