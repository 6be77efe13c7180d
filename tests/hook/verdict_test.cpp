// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libvirt-hook/verdict.hpp"

#include "tests/fakes/fake_kernel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::operator""_bdf;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const HookCall prepare{"win11", "prepare", "begin", "-"};
const HookCall release{"win11", "release", "end", "shutdown"};
const HookCall reconnect{"win11", "reconnect", "begin", "-"};
const std::optional<Bdf> no_gpu;
const std::optional<Bdf> gpu = "01:00.0"_bdf;
const Error unreadable{Errc::InvalidArgs, "the domain XML cannot be read: it ends too early", 0};

TEST(AHookCall, IsMadeOfLibvirtsArguments) {
    std::string words[] = {"win11", "release", "end", "destroyed"};
    char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data()};
    EXPECT_EQ(hook_call(arguments), (HookCall{"win11", "release", "end", "destroyed"}));
    EXPECT_EQ(hook_call(std::span(arguments).first(2)), (HookCall{"win11", "release", "", ""}));
}

TEST(AnAcceptedStart, IsSilent) {
    EXPECT_EQ(verdict_on(prepare, answer::Accepted{}, gpu), Verdict{});
}

TEST(ARefusal, StopsTheStartWithPassthrudsSentence) {
    const answer::Refused refused{"GPU 0000:01:00.0 is in use by Xorg"};
    EXPECT_EQ(verdict_on(prepare, refused, gpu),
              (Verdict{1, "passthrud: GPU 0000:01:00.0 is in use by Xorg"}));
}

TEST(ARefusal, NeverFailsAnythingButAStart) {
    const answer::Refused refused{"the reset failed"};
    EXPECT_EQ(verdict_on(release, refused, gpu).status, 0);
    EXPECT_EQ(verdict_on(reconnect, refused, gpu).status, 0);
    EXPECT_EQ(verdict_on({"win11", "prepare", "end", "-"}, refused, gpu).status, 0);
    EXPECT_EQ(verdict_on({"win11", "started", "begin", "-"}, refused, gpu).status, 0);
}

TEST(WithoutPassthrud, ADomainWithAGpuIsNotStarted) {
    const Verdict verdict =
        verdict_on(prepare, answer::Unreachable{"Unit passthrud.service is masked."}, gpu);
    EXPECT_EQ(verdict.status, 1);
    EXPECT_THAT(verdict.sentence,
                AllOf(HasSubstr("0000:01:00.0"), HasSubstr("win11"), HasSubstr("is masked"),
                      HasSubstr("systemctl status passthrud")));
}

TEST(WithoutPassthrud, ADomainWithoutAGpuIsStarted) {
    EXPECT_EQ(verdict_on(prepare, answer::Unreachable{"gone"}, no_gpu), Verdict{});
}

TEST(WithoutPassthrud, ARunningDomainIsLeftAlone) {
    EXPECT_EQ(verdict_on(reconnect, answer::Unreachable{"gone"}, gpu).status, 0);
    EXPECT_EQ(verdict_on(release, answer::Unreachable{"gone"}, gpu).status, 0);
    EXPECT_THAT(verdict_on(release, answer::Unreachable{"gone"}, gpu).sentence,
                HasSubstr("0000:01:00.0"));
}

TEST(ADomainOfAnOrdinaryUser, IsStartedWithoutUs) {
    EXPECT_EQ(verdict_on(prepare, answer::NotForUsers{}, gpu), Verdict{});
}

TEST(UnreadableXml, StopsTheStartOnlyOfADomainWithAPciDevice) {
    EXPECT_EQ(verdict_on_unreadable(prepare, "<domain><hostdev type='usb'/>", unreadable),
              Verdict{});
    EXPECT_EQ(verdict_on_unreadable(prepare, "<domain><disk type='nvme'/>", unreadable), Verdict{});
    const Verdict refused{1, "passthrud: the domain XML cannot be read: it ends too early"};
    EXPECT_EQ(
        verdict_on_unreadable(prepare, "<domain><hostdev mode='subsystem' type='pci'>", unreadable),
        refused);
    EXPECT_EQ(verdict_on_unreadable(prepare, R"(<domain><hostdev type="pci">)", unreadable),
              refused);
    EXPECT_EQ(verdict_on_unreadable(prepare, "<qemu:arg value='vfio-pci,host=01:00.0'", unreadable),
              refused);
    EXPECT_EQ(verdict_on_unreadable(reconnect, "<hostdev type='pci'>", unreadable).status, 0);
}

TEST(TheGpuOfADomain, IsFoundByAnyFunctionOfItsDeviceSet) {
    const fakes::FakeKernel machine(R"(
00:01.0 0604 8086:460d group 1 driver pcieport
  01:00.0 0300 10de:2489 group 1 driver nouveau
  01:00.1 0403 10de:228b group 1 driver snd_hda_intel
00:02.0 0200 8086:15f3 group 2 driver igc
)");
    const auto sets = device_sets(machine.inventory());
    EXPECT_EQ(gpu_of({"", "vm", {"01:00.1"_bdf}}, sets), "01:00.0"_bdf);
    EXPECT_EQ(gpu_of({"", "vm", {"00:02.0"_bdf, "01:00.0"_bdf}}, sets), "01:00.0"_bdf);
    EXPECT_EQ(gpu_of({"", "vm", {"00:02.0"_bdf}}, sets), std::nullopt);
}

TEST(ASentence, IsOneLineWhateverIsInIt) {
    EXPECT_EQ(one_line("first\nsecond\r\n\tthird\x1b[0m\n"), "first second third [0m");
    EXPECT_EQ(one_line("ein Gerät"), "ein Gerät");
}

TEST(ASentence, IsCutBetweenCharacters) {
    std::string text(999, 'x');
    text += "ä and more";
    const std::string line = one_line(text);
    EXPECT_THAT(line, Not(HasSubstr("\xc3")));
    EXPECT_EQ(line.size(), 999U);
}

}  // namespace
}  // namespace passthru
