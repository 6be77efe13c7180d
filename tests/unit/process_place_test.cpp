// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/process_place.hpp"

#include "tests/fakes/fake_kernel.hpp"

#include <gtest/gtest.h>

namespace passthru {

void PrintTo(const ProcessPlace& place, std::ostream* out) {
    *out << "unit “" << place.unit << "” session “" << place.session << "”";
}

namespace {

class AProcessOfSystemd : public testing::Test {
protected:
    [[nodiscard]] ProcessPlace place(const std::string& cgroup) const {
        kernel_.put("proc/812/cgroup", cgroup);
        return place_of(kernel_.root(), 812);
    }

    const fakes::FakeKernel kernel_{"01:00.0 0300 10de:2489 group 1"};
};

TEST_F(AProcessOfSystemd, IsKnownByItsService) {
    EXPECT_EQ(place("0::/system.slice/nvidia-persistenced.service\n"),
              (ProcessPlace{"nvidia-persistenced.service", ""}));
    EXPECT_EQ(place("0::/system.slice/system-getty.slice/getty@tty1.service\n"),
              (ProcessPlace{"getty@tty1.service", ""}));
}

TEST_F(AProcessOfSystemd, IsKnownByItsSessionWhereTheCompositorRunsInIt) {
    EXPECT_EQ(place("0::/user.slice/user-1000.slice/session-2.scope\n"),
              (ProcessPlace{"session-2.scope", "2"}));
    EXPECT_EQ(place("0::/user.slice/user-1000.slice/session-c1.scope/below\n"),
              (ProcessPlace{"session-c1.scope", "c1"}));
}

TEST_F(AProcessOfSystemd, IsKnownByTheUnitOfItsUsersSystemd) {
    EXPECT_EQ(place("0::/user.slice/user-1000.slice/user@1000.service/app.slice/"
                    "app-gnome-firefox-123.scope\n"),
              (ProcessPlace{"app-gnome-firefox-123.scope", ""}));
    EXPECT_EQ(place("0::/user.slice/user-1000.slice/user@1000.service\n"),
              (ProcessPlace{"user@1000.service", ""}));
}

TEST_F(AProcessOfSystemd, BelongsToTheSessionOfItsUsersDesktop) {
    kernel_.put("run/systemd/users/1000", "NAME=alice\nSTATE=active\nDISPLAY=2\nSESSIONS=2 5\n");
    kernel_.put("run/systemd/users/1001", "NAME=bob\nSTATE=active\nSESSIONS=7\n");
    const std::string below = "/session.slice/org.gnome.Shell@wayland.service\n";
    EXPECT_EQ(place("0::/user.slice/user-1000.slice/user@1000.service" + below),
              (ProcessPlace{"org.gnome.Shell@wayland.service", "2"}));
    EXPECT_EQ(place("0::/user.slice/user-1001.slice/user@1001.service" + below),
              (ProcessPlace{"org.gnome.Shell@wayland.service", ""}));
}

TEST_F(AProcessOfSystemd, IsKnownInAMachineWithTheOldHierarchiesToo) {
    EXPECT_EQ(place("12:devices:/user.slice\n1:name=systemd:/user.slice/user-0.slice/"
                    "session-3.scope\n0::/\n"),
              (ProcessPlace{"session-3.scope", "3"}));
}

TEST_F(AProcessOfSystemd, IsKnownByItsUnitWhateverFoldersTheUnitMakes) {
    EXPECT_EQ(place("0::/machine.slice/machine-qemu\\x2d1\\x2dwin11.scope/libvirt/emulator\n"),
              (ProcessPlace{"machine-qemu\\x2d1\\x2dwin11.scope", ""}));
    EXPECT_EQ(place("0::/system.slice/docker.service/session-9.scope\n"),
              (ProcessPlace{"docker.service", ""}));
    EXPECT_EQ(place("0::/system.slice/_cpu.service\n"), (ProcessPlace{"cpu.service", ""}));
}

TEST_F(AProcessOfSystemd, IsNowhereWhereSystemdHasNoName) {
    for (const char* text : {"", "0::/\n", "0::/system.slice\n", "0::/init\n", "0::\n",
                             "4:cpu:/a.service\n", "0::/user.slice/session-.slice\n"}) {
        EXPECT_EQ(place(text), ProcessPlace{}) << text;
    }
    EXPECT_EQ(place_of(kernel_.root(), 4711), ProcessPlace{});
}

}  // namespace
}  // namespace passthru
