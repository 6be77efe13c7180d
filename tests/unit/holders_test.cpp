// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/holders.hpp"

#include "tests/fakes/fake_kernel.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
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
using testing::HasSubstr;
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
    EXPECT_THAT(holders_of({"01:00.1"_bdf}),
                ElementsAre("qemu-system-x86 /dev/vfio/1 0000:01:00.1"));
    kernel_.close_by_guest("01:00.0"_bdf);
    EXPECT_THAT(holders_of({"01:00.1"_bdf}), IsEmpty());
}

TEST_F(ACardInUse, IsListedOnceForEachProcessAndFunction) {
    kernel_.add_process(812, "Xorg", {"/dev/dri/card1", "/dev/dri/card1", "/dev/dri/renderD129"});
    EXPECT_EQ(holders_of({"01:00.0"_bdf}).size(), 1U);
}

TEST_F(ACardInUse, IsNotHeldByThoseWhoKeepDescriptorsForOthers) {
    kernel_.add_process(1, "systemd", {"/dev/dri/card1"});
    kernel_.add_process(700, "systemd-logind", {"/dev/dri/card1"});
    EXPECT_THAT(holders_of({"01:00.0"_bdf}), IsEmpty());
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

TEST_F(ACardInUse, IsFoundByTheNumberOfItsNodeInTheRealProc) {
    // The card's node gets the number of /dev/full, which nobody has open but the child below, by
    // another name.
    kernel_.put("sys/bus/pci/devices/0000:01:00.0/drm/card1/dev", "1:7\n");
    fs::remove(kernel_.path() / "proc");
    fs::create_directory_symlink("/proc", kernel_.path() / "proc");
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const int node = ::open("/dev/full", O_RDWR);
        std::ignore = ::write(ready[1], node < 0 ? "n" : "y", 1);
        ::pause();
        ::_exit(0);
    }
    char opened = 'n';
    ASSERT_EQ(::read(ready[0], &opened, 1), 1);
    const auto holders = find_holders(kernel_.root(), {"01:00.0"_bdf});
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    ASSERT_EQ(opened, 'y');
    EXPECT_THAT(holders, testing::Contains(testing::AllOf(
                             Field(&Holder::pid, child), Field(&Holder::uid, ::getuid()),
                             Field(&Holder::function, "01:00.0"_bdf))));
}

TEST(TheSentenceAboutHolders, NamesEachProcessOnce) {
    const Holder holder{812, 0, "Xorg", "/dev/dri/card1", "01:00.0"_bdf};
    Holder sound = holder;
    sound.function = "01:00.1"_bdf;
    const Holder other{900, 4242424, "pipewire", "/dev/snd/controlC0", "01:00.1"_bdf};
    const std::string text = describe({holder, sound, other});
    EXPECT_THAT(text, testing::StartsWith("Xorg (pid 812, user "));
    EXPECT_THAT(text, HasSubstr(", pipewire (pid 900, user 4242424)"));
    EXPECT_EQ(text.find("Xorg"), text.rfind("Xorg"));
}

}  // namespace
}  // namespace passthru
