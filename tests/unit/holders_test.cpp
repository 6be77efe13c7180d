// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/holders.hpp"

#include "tests/fakes/fake_kernel.hpp"

#include <algorithm>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace passthru {

void PrintTo(const Holder& holder, std::ostream* out) {
    *out << holder.command << " (" << holder.pid << ") " << holder.node << " of "
         << holder.function.str();
}

namespace {

namespace fs = std::filesystem;
using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

class ACardInUse : public testing::Test {
protected:
    [[nodiscard]] std::vector<std::string> holders_of(const std::vector<Bdf>& functions) const {
        std::vector<std::string> result;
        for (const Holder& it : find_holders(kernel_.root(), functions)) {
            result.push_back(it.command + " " + it.node + " " + it.function.str());
        }
        std::ranges::sort(result);
        return result;
    }

    const FakeKernel kernel_{R"(
        00:02.0 0300 8086:4680 group 0 driver i915
        01:00.0 0300 10de:2489 group 1 driver nouveau
        01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    )"};
};

TEST_F(ACardInUse, IsHeldByTheProcessThatHasItsNodeOpen) {
    kernel_.add_process(812, "Xorg", {"/dev/null", "/dev/dri/card1"});
    kernel_.add_process(813, "firefox", {"/dev/dri/renderD128", "/home/x", "socket:[7]"});
    EXPECT_THAT(holders_of({"01:00.0"_bdf}), ElementsAre("Xorg /dev/dri/card1 0000:01:00.0"));
    EXPECT_THAT(holders_of({"00:02.0"_bdf}),
                ElementsAre("firefox /dev/dri/renderD128 0000:00:02.0"));
}

TEST_F(ACardInUse, IsHeldThroughItsSoundToo) {
    kernel_.add_process(900, "pipewire", {"/dev/snd/controlC0"});
    EXPECT_THAT(holders_of({"01:00.0"_bdf}), IsEmpty());
    EXPECT_THAT(holders_of({"01:00.0"_bdf, "01:00.1"_bdf}),
                ElementsAre("pipewire /dev/snd/controlC0 0000:01:00.1"));
}

TEST_F(ACardInUse, IsHeldThroughANodeThatIsDeletedByNow) {
    kernel_.add_process(812, "Xorg", {"/dev/dri/card1 (deleted)"});
    EXPECT_THAT(holders_of({"01:00.0"_bdf}), ElementsAre("Xorg /dev/dri/card1 0000:01:00.0"));
}

TEST_F(ACardInUse, IsHeldByTheGuestThatHasItsGroupOpen) {
    kernel_.move("01:00.0"_bdf, "vfio-pci");
    kernel_.move("01:00.1"_bdf, "vfio-pci");
    ASSERT_TRUE(kernel_.open_by_guest("01:00.0"_bdf));
    EXPECT_THAT(holders_of({"01:00.0"_bdf, "01:00.1"_bdf}),
                ElementsAre("qemu-system-x86 /dev/vfio/1 0000:01:00.0",
                            "qemu-system-x86 /dev/vfio/1 0000:01:00.1"));
    EXPECT_THAT(find_holders(kernel_.root(), {"01:00.1"_bdf}),
                ElementsAre(Field(&Holder::kind, HolderKind::Guest)));
    kernel_.close_by_guest("01:00.0"_bdf);
    EXPECT_THAT(holders_of({"01:00.1"_bdf}), IsEmpty());
}

TEST_F(ACardInUse, IsListedOnceForEachProcessAndFunctionWithTheFirstNode) {
    kernel_.add_process(812, "Xorg", {"/dev/dri/renderD129", "/dev/dri/card1", "/dev/dri/card1"});
    kernel_.put("proc/812/maps", "7f00-7f01 rw-s 0 00:05 421 /dev/dri/renderD129\n");
    EXPECT_THAT(holders_of({"01:00.0"_bdf}), ElementsAre("Xorg /dev/dri/card1 0000:01:00.0"));
}

TEST_F(ACardInUse, IsHeldByAProcessThatClosedTheNodeAndKeptItsMemory) {
    const std::string libraries =
        "55d950ed8000-55d950eda000 r--p 00000000 fe:00 247134      /usr/bin/game\n"
        "7f6250f39000-7f6250f43000 rw-p 00000000 00:00 0 \n"
        "7f6250f43000-7f6250f44000 rw-s 00000000 00:01 9           /dev/zero (deleted)\n";
    kernel_.add_process(812, "game", {"/dev/null"});
    kernel_.put("proc/812/maps", libraries);
    EXPECT_THAT(holders_of({"01:00.0"_bdf}), IsEmpty());
    kernel_.put("proc/812/maps",
                libraries +
                    "7f70-7f71 rw-s 00001000 00:05 421    /dev/dri/renderD129 (deleted)\n"
                    "7ffc493a7000-7ffc493c8000 rw-p 00000000 00:00 0  [stack]\n");
    EXPECT_THAT(holders_of({"01:00.0"_bdf}), ElementsAre("game /dev/dri/renderD129 0000:01:00.0"));
}

TEST_F(ACardInUse, IsHeldByAMappingInAListOfAnyLength) {
    kernel_.add_process(812, "game", {"/dev/null"});
    const std::string node = "7f70-7f71 rw-s 0 00:05 421 /dev/dri/card1";
    for (const std::size_t lines : {1U, 500U, 800U, 2000U}) {
        std::string text;
        for (std::size_t i = 0; i < lines; ++i)
            text += "7f00-7f01 r--p 0 fe:00 1 /usr/lib/lib" + std::to_string(i) + ".so.1\n";
        kernel_.put("proc/812/maps", text);
        EXPECT_THAT(holders_of({"01:00.0"_bdf}), IsEmpty()) << lines;
        for (std::string with : {text + node + "\n" + text, text + text + node}) {
            kernel_.put("proc/812/maps", with);
            EXPECT_EQ(holders_of({"01:00.0"_bdf}).size(), 1U) << lines;
        }
    }
}

TEST_F(ACardInUse, IsNotHeldByAFileWhosePathOnlyEndsLikeItsNode) {
    kernel_.add_process(812, "backup", {"/mnt/dev/dri/card1", "/dev/dri/card11"});
    kernel_.put("proc/812/maps",
                "7f70-7f71 rw-s 0 fe:00 421   /mnt/dev/dri/card1\n"
                "7f72-7f73 rw-s 0 fe:00 422   /dev/dri/card11\n"
                "7f74-7f75 rw-s 0 fe:00 422   /dev/dri\n");
    EXPECT_THAT(holders_of({"01:00.0"_bdf}), IsEmpty());
}

TEST_F(ACardInUse, IsHeldByAProcessWithAProgramAndNoDescriptor) {
    kernel_.add_process(812, "game", {});
    kernel_.put("proc/812/maps", "7f70-7f71 rw-s 0 00:05 421 /dev/dri/card1\n");
    fs::create_symlink("/usr/bin/game", kernel_.path() / "proc/812/exe");
    EXPECT_EQ(holders_of({"01:00.0"_bdf}).size(), 1U);
}

TEST_F(ACardInUse, IsHeldByADyingGuestThatHasNoMemoryAnyMore) {
    kernel_.add_process(812, "qemu-system-x86", {"/dev/dri/card1"});
    kernel_.put("proc/812/maps", "");
    ASSERT_FALSE(fs::exists(kernel_.path() / "proc/812/exe"));
    EXPECT_EQ(holders_of({"01:00.0"_bdf}).size(), 1U);
}

TEST_F(ACardInUse, IsHeldByNvidiasDaemonsUnderTheirUnits) {
    kernel_.put("proc/driver/nvidia/gpus/0000:01:00.0/information", "Device Minor: \t 0\n");
    kernel_.add_process(900, "nvidia-persiste", {"/dev/nvidiactl", "/dev/nvidia0"});
    kernel_.put("proc/900/cgroup", "0::/system.slice/nvidia-persistenced.service\n");
    kernel_.add_process(901, "nvidia-powerd", {"/dev/nvidia0"});
    kernel_.add_process(902, "blender", {"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/kfd"});
    const auto holders = find_holders(kernel_.root(), {"01:00.0"_bdf});
    ASSERT_EQ(holders.size(), 2U);
    const Holder expected{900,
                          ::getuid(),
                          "nvidia-persiste",
                          "/dev/nvidia0",
                          "01:00.0"_bdf,
                          HolderKind::PersistenceDaemon,
                          "nvidia-persistenced.service",
                          ""};
    EXPECT_EQ(holders[0], expected);
    EXPECT_EQ(holders[1].kind, HolderKind::PersistenceDaemon);
    EXPECT_THAT(holders, testing::Each(testing::Truly(blocks)));
}

TEST_F(ACardInUse, IsNamedWithTheSessionOfWhoHoldsIt) {
    kernel_.add_process(812, "Xorg", {"/dev/dri/card1"});
    kernel_.put("proc/812/cgroup", "0::/user.slice/user-1000.slice/session-2.scope\n");
    EXPECT_THAT(find_holders(kernel_.root(), {"01:00.0"_bdf}),
                ElementsAre(Holder{812, ::getuid(), "Xorg", "/dev/dri/card1", "01:00.0"_bdf,
                                   HolderKind::Process, "session-2.scope", "2"}));
}

TEST_F(ACardInUse, IsNotHeldByAProcessThatEnded) {
    kernel_.add_process(812, "Xorg", {"/dev/dri/card1"});
    kernel_.end_process(812);
    EXPECT_THAT(holders_of({"01:00.0"_bdf}), IsEmpty());
}

TEST_F(ACardInUse, IsSearchedForAmongProcessesOnly) {
    kernel_.put("proc/uptime", "1 2\n");
    kernel_.put("proc/self/fd/3", "");
    EXPECT_THAT(holders_of({"01:00.0"_bdf}), IsEmpty());
}

Holder holder(pid_t pid, uid_t uid, std::string command, std::string unit, std::string session) {
    return {pid,
            uid,
            std::move(command),
            "/dev/dri/card1",
            "01:00.0"_bdf,
            HolderKind::Process,
            std::move(unit),
            std::move(session)};
}

TEST(TheSentenceAboutHolders, NamesEachProcessOnceWithItsSessionOrItsUnit) {
    const Holder xorg = holder(812, 4242422, "Xorg", "session-2.scope", "2");
    Holder sound = xorg;
    sound.function = "01:00.1"_bdf;
    const Holder daemon =
        holder(900, 4242423, "nvidia-persiste", "nvidia-persistenced.service", "");
    EXPECT_EQ(describe({xorg, sound, daemon, holder(7, 4242424, "sh", "", "")}),
              "Xorg (pid 812, user 4242422, session 2), nvidia-persiste (pid 900, user 4242423, "
              "nvidia-persistenced.service), sh (pid 7, user 4242424)");
}

TEST(TheSentenceAboutHolders, KnowsUsersByName) {
    EXPECT_EQ(describe({holder(7, 0, "sh", "", "")}), "sh (pid 7, user root)");
}

TEST(TheSentenceAboutHolders, LeavesOutWhatGoesWithTheDriver) {
    Holder console = holder(0, 0, "text console", "", "");
    console.kind = HolderKind::Console;
    Holder framebuffer = holder(0, 0, "framebuffer", "", "");
    framebuffer.kind = HolderKind::Framebuffer;
    EXPECT_EQ(describe({console, framebuffer}), "");
    EXPECT_EQ(describe({console, holder(7, 0, "sh", "", "")}), "sh (pid 7, user root)");
}

TEST(TheNameOfAHolderKind, IsOneWordForEach) {
    std::vector<std::string_view> names;
    for (const auto kind : {HolderKind::Process, HolderKind::Session, HolderKind::PersistenceDaemon,
                            HolderKind::Guest, HolderKind::Console, HolderKind::Framebuffer})
        names.push_back(holder_kind_name(kind));
    EXPECT_THAT(names, ElementsAre("process", "session", "persistence-daemon", "guest", "console",
                                   "framebuffer"));
}

}  // namespace
}  // namespace passthru
