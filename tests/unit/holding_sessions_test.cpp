// SPDX-License-Identifier: LGPL-2.1-or-later
// What nobody has open under its own name: nodes that logind keeps for a session, consoles and
// framebuffers.
#include "libpassthru/safety/holders.hpp"

#include "tests/fakes/fake_kernel.hpp"
#include "worker/executor.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::ElementsAre;
using testing::IsEmpty;

/// Of the card at 01:00.0, and of nothing else.
class ADesktop : public testing::Test {
protected:
    [[nodiscard]] std::vector<std::string> holders() const {
        std::vector<std::string> result;
        for (const Holder& it : find_holders(kernel_.root(), {"01:00.0"_bdf, "01:00.1"_bdf})) {
            result.push_back(fmt::format("{} {} {} {} session “{}” unit “{}”",
                                         holder_kind_name(it.kind), it.command, it.pid, it.node,
                                         it.session, it.unit));
        }
        return result;
    }

    /// As logind saves it (systemd v252, src/login/logind-session.c:session_save).
    void add_session(const std::string& id, const std::string& leader,
                     const std::string& devices) const {
        kernel_.put("run/systemd/sessions/" + id,
                    fmt::format("# This is private data. Do not parse.\nUID=1000\nUSER=alice\n"
                                "ACTIVE=1\nSTATE=active\nTYPE=wayland\nCLASS=user\n"
                                "SCOPE=session-{}.scope\nSEAT=seat0\n{}CONTROLLER=:1.42\n{}",
                                id, leader, devices));
    }

    void add_compositor(const std::string& node) const {
        kernel_.add_process(1500, "gnome-shell", {node});
        kernel_.put("proc/1500/cgroup",
                    "0::/user.slice/user-1000.slice/user@1000.service/session.slice/"
                    "org.gnome.Shell@wayland.service\n");
        kernel_.put("run/systemd/users/1000", "NAME=alice\nDISPLAY=2\n");
    }

    const FakeKernel kernel_{R"(
        00:02.0 0300 8086:4680 group 0 driver i915
        01:00.0 0300 10de:2489 group 1 driver nouveau
        01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    )"};
    const std::string leader_ = "LEADER=1200\n";
    const std::string devices_ = "DEVICES=13:64 226:1 \n";
    const std::string session_ =
        "session gdm-session-wor 1200 /dev/dri/card1 session “2” unit “session-2.scope”";
    const std::string logind_ = "process systemd-logind 700 /dev/dri/card1 session “” unit “”";
};

class ACardThatLogindKeepsOpen : public ADesktop {
protected:
    ACardThatLogindKeepsOpen() {
        kernel_.add_process(1200, "gdm-session-wor", {});
        kernel_.add_process(700, "systemd-logind", {"/dev/dri/card1"});
    }
};

TEST_F(ACardThatLogindKeepsOpen, IsTheSessionsThatAskedForIt) {
    add_session("1", "LEADER=1100\n", "DEVICES=226:0 \n");
    add_session("2", leader_, devices_);
    EXPECT_THAT(holders(), ElementsAre(session_));
    const Holder holder = find_holders(kernel_.root(), {"01:00.0"_bdf}).at(0);
    EXPECT_EQ(holder.uid, 1000U);
    EXPECT_TRUE(blocks(holder));
}

TEST_F(ACardThatLogindKeepsOpen, IsTheSessionsOnceThoughPid1KeepsACopy) {
    kernel_.add_process(1, "systemd", {"/dev/dri/card1"});
    add_session("2", leader_, devices_);
    EXPECT_THAT(holders(), ElementsAre(session_));
}

TEST_F(ACardThatLogindKeepsOpen, IsTheCompositorsAloneWhereThatHasItTooAndIsOfTheSession) {
    add_session("2", leader_, devices_);
    add_compositor("/dev/dri/card1");
    EXPECT_THAT(holders(), ElementsAre("process gnome-shell 1500 /dev/dri/card1 session “2” unit "
                                       "“org.gnome.Shell@wayland.service”"));
}

TEST_F(ACardThatLogindKeepsOpen, IsTheSessionsStillWhereItsProgramHasAnotherNodeOnly) {
    add_session("2", leader_, devices_);
    add_compositor("/dev/dri/renderD129");
    EXPECT_THAT(holders(), ElementsAre("process gnome-shell 1500 /dev/dri/renderD129 session “2” "
                                       "unit “org.gnome.Shell@wayland.service”",
                                       session_));
}

TEST_F(ACardThatLogindKeepsOpen, IsOfBothSessionsWhereTwoAskedForIt) {
    add_session("2", leader_, devices_);
    add_session("5", "LEADER=1300\n", "DEVICES=\"226:1 13:65\"\n");
    EXPECT_THAT(holders(), ElementsAre(session_,
                                       "session ? 1300 /dev/dri/card1 session “5” unit "
                                       "“session-5.scope”"));
}

TEST_F(ACardThatLogindKeepsOpen, IsLogindsOwnWhereNoSessionAskedForIt) {
    EXPECT_THAT(holders(), ElementsAre(logind_));
    add_session("2", leader_, "DEVICES=13:64 226:11 226 :1 x 226:1x\n");
    EXPECT_THAT(holders(), ElementsAre(logind_));
    add_session("2", "", devices_);  // nobody to name
    EXPECT_THAT(holders(), ElementsAre(logind_));
    kernel_.put("run/systemd/sessions/2.ref", "UID=0\nLEADER=1\n" + devices_);
    EXPECT_THAT(holders(), ElementsAre(logind_));
}

TEST_F(ADesktop, HasNoHolderInPid1WhereNoSessionAskedForTheNode) {
    kernel_.add_process(1, "systemd", {"/dev/dri/card1"});
    EXPECT_THAT(holders(), IsEmpty());
}

TEST_F(ADesktop, HasASessionForWhatOnlyPid1StillKeeps) {
    kernel_.add_process(1200, "gdm-session-wor", {});
    kernel_.add_process(1, "systemd", {"/dev/dri/card1"});
    add_session("2", leader_, devices_);
    EXPECT_THAT(holders(), ElementsAre(session_));
}

class AFramebuffer : public ADesktop {
protected:
    void add_framebuffer(const std::string& name) const {
        const std::string folder = "sys/bus/pci/devices/0000:01:00.0/graphics/" + name;
        kernel_.put(folder + "/dev", "29:" + name.substr(2) + "\n");
        kernel_.put(folder + "/uevent", "DEVNAME=" + name + "\n");
    }

    void add_console(const std::string& number, const std::string& name,
                     const std::string& bind) const {
        kernel_.put("sys/class/vtconsole/vtcon" + number + "/name", name + "\n");
        kernel_.put("sys/class/vtconsole/vtcon" + number + "/bind", bind + "\n");
    }

    const std::string console_ = "console text console 0 /dev/fb0 session “” unit “”";
    const std::string bare_ = "framebuffer framebuffer 0 /dev/fb0 session “” unit “”";
};

TEST_F(AFramebuffer, ShowsTheTextConsoleWhereOneIsBoundToFramebuffers) {
    add_framebuffer("fb0");
    add_console("0", "(S) VGA+", "0");
    add_console("1", "(M) frame buffer device", "1");
    add_console("2", "(S) dummy device", "0");
    EXPECT_THAT(holders(), ElementsAre(console_));
}

TEST_F(AFramebuffer, ShowsNoConsoleWhereNoneIsBoundToFramebuffers) {
    add_framebuffer("fb0");
    EXPECT_THAT(holders(), ElementsAre(bare_));
    add_console("0", "(S) VGA+", "1");
    add_console("1", "(M) frame buffer device", "0");
    EXPECT_THAT(holders(), ElementsAre(bare_));
}

TEST_F(AFramebuffer, ShowsNoConsoleBehindTheFirst) {
    add_framebuffer("fb1");
    add_console("1", "(M) frame buffer device", "1");
    EXPECT_THAT(holders(), ElementsAre("framebuffer framebuffer 0 /dev/fb1 session “” unit “”"));
}

TEST_F(AFramebuffer, IsToldBesideTheProcessThatHasItOpen) {
    add_framebuffer("fb0");
    kernel_.add_process(812, "fbi", {"/dev/fb0"});
    EXPECT_THAT(holders(), ElementsAre("process fbi 812 /dev/fb0 session “” unit “”", bare_));
}

TEST_F(AFramebuffer, DoesNotKeepTheWorkerFromGoingOn) {
    add_framebuffer("fb0");
    add_console("1", "(M) frame buffer device", "1");
    const Plan plan{.steps = {step::CheckUnused{{"01:00.0"_bdf}, HolderRule::Refuse, {}}}};
    const auto last_report = [&] {
        std::string last;
        Executor(kernel_.root(), kernel_.doors()).run(plan, [&](const WorkerReport& report) {
            const auto* failed = std::get_if<PlanFailed>(&report);
            last = failed != nullptr ? failed->error.message : "fine";
        });
        return last;
    };
    EXPECT_EQ(last_report(), "fine");
    kernel_.add_process(812, "fbi", {"/dev/fb0"});
    EXPECT_THAT(last_report(), testing::StartsWith("0000:01:00.0 is in use by fbi (pid 812, user"));
}

}  // namespace
}  // namespace passthru
