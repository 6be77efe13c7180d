// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/reset/reset_chain.hpp"

#include "tests/fakes/fake_kernel.hpp"
#include "tests/unit/reset_world.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace passthru {
namespace {

using fakes::operator""_bdf;
using testing::HasSubstr;

/// The rules of a quirk file and nothing else.
ResetRules with(std::string_view text) {
    ResetRules rules;
    rules.quirks = quirks_of(text);
    return rules;
}

ResetRules wanted(const Bdf& bdf, std::vector<std::string> methods) {
    ResetRules rules;
    rules.wanted[bdf] = std::move(methods);
    return rules;
}

constexpr std::string_view card_with_audio = R"(
    00:01.0 0604 8086:460d group 1 driver pcieport
      01:00.0 0300 10de:2489 group 1 driver vfio-pci reset flr,bus
      01:00.1 0403 10de:228b group 1 driver vfio-pci reset flr,pm
)";

TEST(ACard, IsResetByWhatTheKernelOffersThenByItsBusThenRemoved) {
    EXPECT_EQ(ResetWorld(card_with_audio).chains(),
              "01:00.0 01:00.1: flr 01:00.0 01:00.1; hot bus 01:00.0 01:00.1; "
              "removal 01:00.0 01:00.1 below 00:01.0");
}

TEST(ACard, IsResetByItsBridgeBehindTheHotReset) {
    EXPECT_EQ(ResetWorld(card_with_audio).with_new_kernel().chains(),
              "01:00.0 01:00.1: flr 01:00.0 01:00.1; hot bus 01:00.0 01:00.1; "
              "bridge bus 01:00.0 01:00.1 below 00:01.0; removal 01:00.0 01:00.1 below 00:01.0");
}

TEST(ACard, ThatIsAloneOnItsBusIsResetInTheKernelsOwnOrder) {
    const ResetWorld world(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 1002:67df driver vfio-pci reset af_flr,bus,d3cold
    )");
    EXPECT_EQ(world.chains(),
              "01:00.0: af_flr 01:00.0; bus 01:00.0; d3cold 01:00.0; "
              "removal 01:00.0 below 00:01.0");
}

TEST(ACard, IsResetByTheSleepOfTheComputerOnlyWhereThatIsAskedFor) {
    EXPECT_EQ(ResetWorld(card_with_audio).chains(wanted("01:00.0"_bdf, {"suspend"})),
              "01:00.0 01:00.1: suspend 01:00.0 01:00.1 below 00:01.0");
    const auto quirk = with("[[quirk]]\nvendor = \"10de\"\nprefer = [\"flr\"]\n");
    EXPECT_THAT(ResetWorld(card_with_audio).chains(quirk), Not(HasSubstr("suspend")));
}

TEST(ACard, ThatListsABusResetOfSeveralFunctionsIsNotBelieved) {
    const ResetWorld world(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 1002:67df driver vfio-pci reset cxl_bus,bus,d3cold
          01:00.1 0403 1002:aaf0 driver vfio-pci reset none
    )");
    EXPECT_EQ(world.chains(),
              "01:00.0 01:00.1: d3cold 01:00.0; hot bus 01:00.0 01:00.1; "
              "removal 01:00.0 01:00.1 below 00:01.0");
    EXPECT_EQ(world.why_not("cxl_bus"), "0000:01:00.0 is not alone on its bus");
}

TEST(ACard, WhoseSiblingStayedWithTheHostIsResetAlone) {
    const ResetWorld world = ResetWorld(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 10de:2489 driver vfio-pci reset flr,bus
          01:00.1 0403 10de:228b driver snd_hda_intel reset flr
    )")
                                 .with_new_kernel();
    EXPECT_EQ(world.chains(), "01:00.0: flr 01:00.0");
    EXPECT_EQ(world.why_not("bus"), "it would reset 0000:01:00.1 as well");
    EXPECT_EQ(world.why_not("remove_rescan"), "it would remove 0000:01:00.1 as well");
}

TEST(AFunction, ThatAHostDriverHasTakenIsInNoChainThoughItIsOfTheSet) {
    ResetWorld world = ResetWorld(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 10de:2489 driver vfio-pci reset flr
          01:00.1 0403 10de:228b driver snd_hda_intel reset flr
    )")
                           .with_new_kernel();
    world.given = {"01:00.0"_bdf, "01:00.1"_bdf};
    EXPECT_EQ(world.chains(), "01:00.0: flr 01:00.0");
    EXPECT_EQ(world.why_not("bus"),
              "it would reset 0000:01:00.1, which is not on a driver for VFIO");
    EXPECT_EQ(world.why_not("remove_rescan"), "it would remove 0000:01:00.1 as well");
}

TEST(AFunction, BetweenTwoDriversIsResetByItselfOnly) {
    ResetWorld world = ResetWorld(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 10de:2489 driver vfio-pci reset flr
          01:00.1 0403 10de:228b reset flr
    )")
                           .with_new_kernel();
    world.given = {"01:00.0"_bdf, "01:00.1"_bdf};
    EXPECT_EQ(world.chains(),
              "01:00.0 01:00.1: flr 01:00.0 01:00.1; removal 01:00.0 01:00.1 below 00:01.0");
    EXPECT_THAT(world.why_not("bus"), HasSubstr("not on a driver for VFIO"));
}

TEST(AFunction, ThatIsGoneOrABridgeIsInNoChain) {
    ResetWorld world(card_with_audio);
    world.given = {"07:00.0"_bdf, "00:01.0"_bdf};
    EXPECT_EQ(world.decide(), ResetDecision{});
}

TEST(ACard, BehindBridgesOfItsOwnIsResetByTheNearest) {
    const ResetWorld world = ResetWorld(R"(
        00:03.1 0604 1022:1483 driver pcieport
          01:00.0 0604 1002:1478 driver pcieport
            02:00.0 0604 1002:1479 driver pcieport
              03:00.0 0300 1002:73bf driver vfio-pci reset bus
              03:00.1 0403 1002:ab28 driver vfio-pci reset none
    )")
                                 .with_new_kernel();
    EXPECT_EQ(world.chains(),
              "03:00.0 03:00.1: hot bus 03:00.0 03:00.1; "
              "bridge bus 03:00.0 03:00.1 below 02:00.0; removal 03:00.0 03:00.1 below 02:00.0");
}

TEST(ABusReset, IsNotTakenWhereABridgeLeadsOnFromTheSameBus) {
    const ResetWorld world = ResetWorld(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 1002:67df driver vfio-pci reset flr
          01:00.1 0604 1022:43c6 driver pcieport
            02:00.0 0200 10ec:8168 driver r8169 reset none
    )")
                                 .with_new_kernel();
    EXPECT_EQ(world.chains(), "01:00.0: flr 01:00.0");
    EXPECT_EQ(world.why_not("bus"), "it would reset 0000:01:00.1, 0000:02:00.0 as well");
}

TEST(ABusReset, SparesTheVirtualFunctionsOnTheirOwnBusNumber) {
    ResetWorld world = ResetWorld(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0302 10de:25b6 driver vfio-pci reset flr,bus
          02:00.0 0302 10de:25b6 driver nvidia reset flr
    )")
                           .with_new_kernel();
    world.inventory.functions.at("02:00.0"_bdf).is_virtual = true;
    EXPECT_EQ(world.chains(), "01:00.0: flr 01:00.0; removal 01:00.0 below 00:01.0");
    EXPECT_EQ(world.why_not("bus"), "it would reset 0000:02:00.0 as well");
}

TEST(TwoCards, OfOneSetAreResetEachByItselfInTheOrderOfTheSet) {
    ResetWorld world(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 1002:6798 driver vfio-pci reset bus
          01:00.1 0403 1002:aaa0 driver vfio-pci reset none
        00:02.0 0604 8086:460d driver pcieport
          02:00.0 0108 144d:a808 driver vfio-pci reset flr
    )");
    world.given = {"02:00.0"_bdf, "01:00.1"_bdf, "01:00.0"_bdf};
    EXPECT_EQ(world.chains(),
              "02:00.0: flr 02:00.0; removal 02:00.0 below 00:02.0\n"
              "01:00.0 01:00.1: hot bus 01:00.0 01:00.1; removal 01:00.0 01:00.1 below 00:01.0");
}

TEST(TwoCards, OnOneBusAreBothHitByItsReset) {
    const ResetWorld world(R"(
        00:1e.0 0604 8086:244e driver pcieport
          05:00.0 0300 10de:0615 driver vfio-pci reset pm
          05:01.0 0401 1102:0002 driver vfio-pci reset none
    )");
    EXPECT_EQ(world.chains(),
              "05:00.0: pm 05:00.0; hot bus 05:00.0 05:01.0; removal 05:00.0 below 00:1e.0\n"
              "05:01.0: hot bus 05:01.0 05:00.0; removal 05:01.0 below 00:1e.0");
}

TEST(ACard, ThatNothingCanResetHasAChainWithoutAttemptsAndTheReasons) {
    const ResetWorld world(R"(
        00:1f.0 0300 8086:0102 driver vfio-pci reset none
        00:1f.3 0403 8086:1c20 driver snd_hda_intel
    )");
    EXPECT_EQ(world.chains(), "00:1f.0:");
    EXPECT_EQ(world.why_not("bus"), "there is no bridge above 0000:00:1f.0");
    EXPECT_EQ(world.why_not("remove_rescan"), "it would remove 0000:00:1f.3 as well");
}

TEST(AFunctionOfARootBus, IsRemovedOnlyWhenItIsAloneInItsSlot) {
    EXPECT_EQ(ResetWorld("00:02.0 0300 8086:5912 driver vfio-pci reset flr").chains(),
              "00:02.0: flr 00:02.0; removal 00:02.0");
    const ResetWorld two(R"(
        00:02.0 0300 8086:5912 driver vfio-pci reset flr
        00:02.1 0380 8086:5913 driver vfio-pci reset none
    )");
    EXPECT_EQ(two.chains(), "00:02.0 00:02.1: flr 00:02.0");
    EXPECT_EQ(two.why_not("remove_rescan"), "the slot of 0000:00:02.0 is a part of the board");
}

TEST(AFunctionOfARootBus, IsNotAloneBesideTheOthersOfThatBus) {
    const ResetWorld world(R"(
        00:02.0 0300 8086:5912 driver vfio-pci reset bus
        00:1f.3 0403 8086:a2f0 driver snd_hda_intel
    )");
    EXPECT_EQ(world.chains(), "00:02.0: removal 00:02.0");
}

TEST(AVirtualFunction, IsResetByItselfAndNeverRemoved) {
    ResetWorld world = ResetWorld(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.4 0302 10de:25b6 driver vfio-pci reset flr
          01:00.5 0302 10de:25b6 driver vfio-pci reset flr
    )")
                           .with_new_kernel();
    for (const Bdf& bdf : world.given) world.inventory.functions.at(bdf).is_virtual = true;
    EXPECT_EQ(world.chains(), "01:00.4: flr 01:00.4\n01:00.5: flr 01:00.5");
    EXPECT_THAT(world.why_not("bus"), HasSubstr("0000:01:00.4 is a virtual function"));
    EXPECT_THAT(world.why_not("remove_rescan"), HasSubstr("0000:01:00.5 is a virtual function"));
}

TEST(APhysicalFunction, IsNotRemovedUnderItsVirtualOnes) {
    ResetWorld world(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0302 10de:25b6 driver vfio-pci reset flr
    )");
    world.inventory.functions.at("01:00.0"_bdf).virtual_functions = 16;
    EXPECT_EQ(world.chains(), "01:00.0: flr 01:00.0");
}

constexpr std::string_view prefers_vendor_reset =
    "[[quirk]]\nvendor = \"10de\"\nprefer = [\"device_specific\"]";

TEST(VendorReset, IsAskedForWhereAQuirkPrefersItThoughTheKernelDoesNotListIt) {
    EXPECT_EQ(ResetWorld(card_with_audio).chains(with(prefers_vendor_reset)),
              "01:00.0 01:00.1: device_specific 01:00.0; flr 01:00.0 01:00.1; "
              "hot bus 01:00.0 01:00.1; removal 01:00.0 01:00.1 below 00:01.0");
}

TEST(VendorReset, IsNotAskedForTwiceWhereTheKernelListsIt) {
    const ResetWorld world(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 10de:2489 driver vfio-pci reset flr,device_specific
    )");
    EXPECT_EQ(world.chains(with(prefers_vendor_reset)),
              "01:00.0: device_specific 01:00.0; flr 01:00.0; removal 01:00.0 below 00:01.0");
    EXPECT_EQ(world.chains(),
              "01:00.0: flr 01:00.0; device_specific 01:00.0; removal 01:00.0 below 00:01.0");
}

TEST(AQuirk, ThatPrefersAnotherMethodCannotMakeTheKernelOfferIt) {
    const ResetWorld world(card_with_audio);
    const ResetRules rules = with("[[quirk]]\nvendor = \"10de\"\nprefer = [\"pm\"]");
    EXPECT_EQ(world.chains(rules), world.chains());
    EXPECT_EQ(world.why_not("pm", rules), "the kernel does not offer it for 0000:01:00.0");
}

TEST(AQuirk, ThatPrefersTheBusPutsItFirstByEveryMeans) {
    EXPECT_EQ(ResetWorld(card_with_audio)
                  .with_new_kernel()
                  .chains(with("[[quirk]]\nvendor = \"10de\"\nprefer = [\"bus\"]")),
              "01:00.0 01:00.1: hot bus 01:00.0 01:00.1; bridge bus 01:00.0 01:00.1 below 00:01.0; "
              "flr 01:00.0 01:00.1; removal 01:00.0 01:00.1 below 00:01.0");
}

TEST(AQuirk, ThatAvoidsTheBusAvoidsItByEveryMeans) {
    const ResetRules rules = with("[[quirk]]\nvendor = \"10de\"\navoid = [\"bus\"]");
    EXPECT_EQ(ResetWorld(card_with_audio).with_new_kernel().chains(rules),
              "01:00.0 01:00.1: flr 01:00.0 01:00.1; removal 01:00.0 01:00.1 below 00:01.0");
    const ResetWorld alone(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 10de:2489 driver vfio-pci reset cxl_bus,bus
    )");
    EXPECT_EQ(alone.chains(rules), "01:00.0: removal 01:00.0 below 00:01.0");
    EXPECT_EQ(alone.why_not("bus", rules), "a quirk says that 0000:01:00.0 must not be reset so");
}

TEST(AQuirk, MayForbidTheRemoval) {
    EXPECT_EQ(ResetWorld(card_with_audio)
                  .chains(with("[[quirk]]\nvendor = \"10de\"\nremove-rescan = \"never\"")),
              "01:00.0 01:00.1: flr 01:00.0 01:00.1; hot bus 01:00.0 01:00.1");
}

TEST(AQuirk, GivesTheCardTimeAfterEachAttempt) {
    const ResetRules rules = with("[[quirk]]\nvendor = \"10de\"\nwait-ms = 700");
    EXPECT_EQ(ResetWorld(card_with_audio).decide(rules).chains.front().wait,
              std::chrono::milliseconds(700));
}

TEST(AQuirk, SaysAtWhichEndOfAVmACardIsReset) {
    const ResetWorld world(card_with_audio);
    const auto is_reset = [&](const char* when, ResetOccasion occasion) {
        ResetRules rules =
            with(std::string("[[quirk]]\nvendor = \"10de\"\nwhen = \"") + when + '"');
        rules.occasion = occasion;
        const ResetDecision decision = world.decide(rules);
        EXPECT_EQ(decision.chains.size(), 1U);
        EXPECT_EQ(decision.chains.front().functions.size(), 2U) << "its health is looked at";
        EXPECT_EQ(decision.not_taken.empty(), !decision.chains.front().attempts.empty());
        return !decision.chains.front().attempts.empty();
    };
    using enum ResetOccasion;
    EXPECT_TRUE(is_reset("after-stop", AfterStop));
    EXPECT_FALSE(is_reset("after-stop", BeforeStart));
    EXPECT_FALSE(is_reset("before-start", AfterStop));
    EXPECT_TRUE(is_reset("before-start", BeforeStart));
    EXPECT_TRUE(is_reset("both", AfterStop));
    EXPECT_TRUE(is_reset("both", BeforeStart));
    EXPECT_FALSE(is_reset("never", AfterStop));
    EXPECT_FALSE(is_reset("never", BeforeStart));
}

TEST(TheAdministratorsList, IsAllThatIsTried) {
    const ResetWorld world = ResetWorld(card_with_audio).with_new_kernel();
    EXPECT_EQ(world.chains(wanted("01:00.0"_bdf, {"flr"})), "01:00.0 01:00.1: flr 01:00.0 01:00.1");
    EXPECT_EQ(world.chains(wanted("01:00.0"_bdf, {"remove_rescan", "bus", "bus", "flr"})),
              "01:00.0 01:00.1: removal 01:00.0 01:00.1 below 00:01.0; hot bus 01:00.0 01:00.1; "
              "bridge bus 01:00.0 01:00.1 below 00:01.0; flr 01:00.0 01:00.1");
    EXPECT_EQ(world.chains(wanted("01:00.0"_bdf, {"device_specific"})),
              "01:00.0 01:00.1: device_specific 01:00.0");
    EXPECT_EQ(world.chains(wanted("01:00.0"_bdf, {})), "01:00.0 01:00.1:");
    EXPECT_EQ(world.chains(wanted("07:00.0"_bdf, {})), world.chains()) << "of another card";
}

TEST(TheAdministratorsList, WinsOverAQuirk) {
    ResetRules rules = with(R"(
        [[quirk]]
        vendor = "10de"
        prefer = ["device_specific"]
        avoid = ["flr"]
        remove-rescan = "never"
    )");
    rules.wanted["01:00.0"_bdf] = {"flr", "remove_rescan"};
    EXPECT_EQ(ResetWorld(card_with_audio).chains(rules),
              "01:00.0 01:00.1: flr 01:00.0 01:00.1; removal 01:00.0 01:00.1 below 00:01.0");
}

TEST(TheAdministratorsList, CannotBringAHostDriversFunctionIn) {
    const ResetWorld world(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 10de:2489 driver vfio-pci reset flr,bus
          01:00.1 0403 10de:228b driver snd_hda_intel reset flr
    )");
    EXPECT_EQ(world.chains(wanted("01:00.0"_bdf, {"bus", "remove_rescan"})), "01:00.0:");
}

constexpr std::string_view resets_companions =
    "[[quirk]]\nvendor = \"1002\"\nclass = \"03\"\ncompanions-too = true";

constexpr std::string_view amd_card = R"(
    00:01.0 0604 8086:460d driver pcieport
      01:00.0 0300 1002:731f driver vfio-pci reset device_specific
      01:00.1 0403 1002:ab38 driver vfio-pci reset pm,bus
)";

TEST(ACompanion, IsResetWithItsGpuAndNotByItself) {
    EXPECT_EQ(ResetWorld(amd_card).chains(),
              "01:00.0 01:00.1: device_specific 01:00.0; hot bus 01:00.0 01:00.1; "
              "removal 01:00.0 01:00.1 below 00:01.0");
}

TEST(ACompanion, HasAChainOfItsOwnWhereAQuirkWantsIt) {
    EXPECT_EQ(ResetWorld(amd_card).chains(with(resets_companions)),
              "01:00.0 01:00.1: device_specific 01:00.0; hot bus 01:00.0 01:00.1; "
              "removal 01:00.0 01:00.1 below 00:01.0\n"
              "01:00.1: pm 01:00.1");
}

TEST(ACompanion, HasNoneThatTheFirstResetOfItsCardReaches) {
    const ResetWorld world(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 1002:731f driver vfio-pci reset flr
          01:00.1 0403 1002:ab38 driver vfio-pci reset flr,pm
    )");
    EXPECT_EQ(world.chains(with(resets_companions)), world.chains());
}

TEST(ACompanion, HasNoneWithoutAMethodOfItsOwnOrAgainstTheAdministratorsList) {
    const ResetWorld without(R"(
        00:01.0 0604 8086:460d driver pcieport
          01:00.0 0300 1002:731f driver vfio-pci reset flr
          01:00.1 0403 1002:ab38 driver vfio-pci reset bus
    )");
    EXPECT_EQ(without.chains(with(resets_companions)), without.chains());
    ResetRules rules = with(resets_companions);
    rules.wanted["01:00.0"_bdf] = {"device_specific"};
    EXPECT_EQ(ResetWorld(amd_card).chains(rules), "01:00.0 01:00.1: device_specific 01:00.0");
}

TEST(AnApu, HasTheBoardsFunctionsOfItsSlotResetByThemselves) {
    const ResetWorld world(R"(
        00:08.1 0604 1022:15db driver pcieport
          38:00.0 0300 1002:15dd driver vfio-pci reset none
          38:00.1 0403 1002:15de driver vfio-pci reset pm
          38:00.3 0c03 1022:15e0 driver vfio-pci reset pm
    )");
    EXPECT_EQ(world.chains(wanted("38:00.0"_bdf, {})),
              "38:00.0 38:00.1 38:00.3:\n38:00.3: pm 38:00.3");
}

/// The Beelink SER8: QEMU said "Cannot reset device 0000:66:00.2, depends on group 19 which is not
/// owned".
TEST(AnApu, WhoseSlotIsSpreadOverGroupsIsNotResetByItsBus) {
    const ResetWorld world = ResetWorld(R"(
        00:08.1 0604 1022:14eb driver pcieport
          66:00.0 0300 1002:15bf group 19 driver vfio-pci reset bus
          66:00.1 0403 1002:1640 group 20 driver vfio-pci reset pm
          66:00.2 1080 1022:15c7 group 21 driver ccp
          66:00.3 0c03 1022:15b9 group 22 driver xhci_hcd
          66:00.4 0c03 1022:15ba group 23 driver xhci_hcd
    )")
                                 .with_new_kernel();
    EXPECT_EQ(world.chains(), "66:00.0 66:00.1:");
    EXPECT_EQ(world.why_not("bus"),
              "it would reset 0000:66:00.2, 0000:66:00.3, 0000:66:00.4 as well");
}

/// What is offered × who is beside it, with the rules written down once more and plainly.
TEST(EveryCombination, OfMethodsAndSiblingsGivesTheChainOfTheRules) {
    const std::vector<std::string> kernels{"device_specific", "flr", "pm", "bus"};
    const std::vector<std::string> siblings{"", "driver vfio-pci reset flr",
                                            "driver vfio-pci reset none",
                                            "driver snd_hda_intel reset flr"};
    for (std::size_t offered = 0; offered < 16; ++offered) {
        for (const std::string& sibling : siblings) {
            std::string methods;
            std::string expected;
            const bool alone = sibling.empty();
            const bool bound = sibling.starts_with("driver snd");
            const bool joins = sibling == siblings[1];
            for (std::size_t i = 0; i < kernels.size(); ++i) {
                if (((offered >> i) & 1U) == 0) continue;
                methods += (methods.empty() ? "" : ",") + kernels[i];
                if (kernels[i] == "bus" && !alone) continue;
                expected += " " + kernels[i] + " 01:00.0";
                if (joins && kernels[i] == "flr") expected += " 01:00.1";
                expected += ";";
            }
            const std::string both = alone ? "01:00.0" : "01:00.0 01:00.1";
            if (!alone && !bound) {
                expected += fmt::format(" hot bus {0}; bridge bus {0} below 00:01.0;", both);
            }
            if (!bound) expected += fmt::format(" removal {} below 00:01.0;", both);
            if (!expected.empty()) expected.pop_back();
            std::string drawing =
                "00:01.0 0604 8086:460d driver pcieport\n"
                "  01:00.0 0300 10de:2489 driver vfio-pci reset " +
                (methods.empty() ? "none" : methods);
            if (!alone) drawing += "\n  01:00.1 0403 10de:228b " + sibling;
            EXPECT_EQ(ResetWorld(drawing).with_new_kernel().chains(),
                      (bound ? "01:00.0" : both) + ":" + expected)
                << drawing;
        }
    }
}

TEST(AResetChain, NamesAMethodOnceThoughThereAreTwoMeans) {
    const Bdf gpu = "01:00.0"_bdf;
    const step::Reset reset{{{gpu},
                             {{"bus", ResetMeans::Attribute, {gpu}, {}},
                              {"bus", ResetMeans::Subordinate, {gpu}, {}},
                              {"remove_rescan", ResetMeans::Attribute, {gpu}, {}}}}};
    EXPECT_EQ(describe(reset), "reset 0000:01:00.0: bus, else remove_rescan");
}

}  // namespace
}  // namespace passthru
