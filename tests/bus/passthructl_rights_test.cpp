// SPDX-License-Identifier: LGPL-2.1-or-later
// Whom passthructl lets polkit ask, and which bus it speaks to.
#include "tests/bus/daemon_on_a_bus.hpp"
#include "tests/bus/exit_status.hpp"
#include "tests/bus/fake_polkit.hpp"
#include "tests/bus/ordinary_user.hpp"
#include "tests/fakes/process.hpp"
#include "tests/fakes/terminal.hpp"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

namespace passthru::bus_test {
namespace {

namespace fs = std::filesystem;
using fakes::Running;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

/// passthructl beside stand-ins for the programs that it starts, where every user finds them.
class PassthructlOfAUser : public DaemonOnABus {
protected:
    PassthructlOfAUser() {
        std::string name = "/tmp/passthructl-test-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        folder_ = name;
        fs::permissions(folder_, fs::perms(0755));
        fs::copy_file(PASSTHRUCTL, folder_ / "passthructl");
        ::setenv("PATH", (folder_.string() + ":/usr/bin:/bin").c_str(), 1);
    }
    ~PassthructlOfAUser() override { fs::remove_all(folder_); }

    void put_program(const char* name, std::string_view script) const {
        std::ofstream(folder_ / name) << "#!/bin/sh\n" << script;
        fs::permissions(folder_ / name, fs::perms(0755));
    }
    std::vector<std::string> command(const std::vector<std::string>& words) const {
        std::vector<std::string> all{folder_ / "passthructl"};
        all.insert(all.end(), words.begin(), words.end());
        return all;
    }
    /// With `status STATUS` at its end.
    std::string in_a_terminal_of_nobody(const std::vector<std::string>& words) const {
        return as_nobody([&] {
            Running terminal(command(words), Running::Output::Terminal);
            const int status = terminal.wait();
            return fmt::format("{}status {}", terminal.printed(), status);
        });
    }
    fakes::Ended on_host(const std::string& host, const std::vector<std::string>& words) const {
        std::vector<std::string> all = command({"-H", host});
        all.insert(all.end(), words.begin(), words.end());
        return fakes::run(all, "",
                          {"DBUS_SYSTEM_BUS_ADDRESS=unix:path=/no/bus",
                           fmt::format("PATH={}:/usr/bin:/bin", folder_.string())});
    }

    fs::path folder_;
};

class PasswordQuestions : public PassthructlOfAUser {
protected:
    void SetUp() override {
        if (::getuid() != 0) GTEST_SKIP() << "only root can become another user";
        // Closes the descriptor that it is told (--process P --notify-fd N --fallback).
        put_program("pkttyagent",
                    "echo \"agent $*\"\neval \"exec $4>&-\"\n"
                    "trap 'echo agent ends; exit' TERM\nwhile :; do sleep 0.05; done\n");
    }
};

TEST_F(PasswordQuestions, AreAllowedAndAskedInTheTerminal) {
    FakePolkit polkit(bus_.address(), Verdict::Yes);
    const std::string text = in_a_terminal_of_nobody({"detach", "01:00.0"});
    EXPECT_THAT(text, ContainsRegex("agent --process [0-9]+ --notify-fd [0-9]+ --fallback"));
    EXPECT_THAT(text, HasSubstr("agent ends"));
    EXPECT_THAT(text, HasSubstr("status 0"));
    ASSERT_EQ(polkit.finish().size(), 1U);
    EXPECT_TRUE(polkit.finish()[0].interactive);
}

TEST_F(PasswordQuestions, AreNotAskedOfWhoWantsNone) {
    FakePolkit polkit(bus_.address(), Verdict::Challenge);
    const std::string text = in_a_terminal_of_nobody({"--no-ask-password", "detach", "01:00.0"});
    EXPECT_THAT(text, Not(HasSubstr("agent")));
    EXPECT_THAT(text, HasSubstr(fmt::format("status {}", static_cast<int>(denied))));
    ASSERT_EQ(polkit.finish().size(), 1U);
    EXPECT_FALSE(polkit.finish()[0].interactive);
}

TEST_F(PasswordQuestions, DoNotNeedTheAgent) {
    put_program("pkttyagent", "exit 127\n");
    FakePolkit polkit(bus_.address(), Verdict::Yes);
    EXPECT_THAT(in_a_terminal_of_nobody({"detach", "01:00.0"}), HasSubstr("status 0"));
}

class TheDoctorOfAVm : public PassthructlOfAUser {
protected:
    TheDoctorOfAVm() {
        put_program("virsh",
                    fmt::format("echo \"virsh $*\" >&2\n"
                                "case \"$*\" in *win11) echo \"{}\" ;; *) exit 1 ;; esac\n",
                                domain_with({1})));
    }
    fakes::Ended doctor(const char* vm) const {
        return fakes::run(command({"doctor", "--vm", vm}), "",
                          {"DBUS_SYSTEM_BUS_ADDRESS=" + bus_.address(),
                           fmt::format("PATH={}:/usr/bin:/bin", folder_.string())});
    }
};

TEST_F(TheDoctorOfAVm, AsksVirshForIt) {
    const fakes::Ended found = doctor("win11");
    EXPECT_THAT(found.err,
                HasSubstr("--readonly --connect qemu:///system dumpxml --inactive -- win11"));
    EXPECT_THAT(found.out, HasSubstr("0000:01:00.1: not-in-the-vm"));
    const fakes::Ended unknown = doctor("win12");
    EXPECT_EQ(unknown.status, 2);
    EXPECT_THAT(unknown.err, HasSubstr("no XML of a VM “win12”"));
    put_program("ssh", "exit 255\n");
    EXPECT_THAT(on_host("admin@elsewhere", {"doctor", "--vm", "win11"}).err,
                HasSubstr("--connect qemu+ssh://admin@elsewhere/system"));
}

using AnotherComputer = PassthructlOfAUser;

TEST_F(AnotherComputer, IsAskedOverSsh) {
    if (!fs::exists("/usr/bin/systemd-stdio-bridge")) {
        GTEST_SKIP() << "systemd-stdio-bridge is not installed";
    }
    put_program("ssh", fmt::format("case \"$*\" in *admin@elsewhere*) ;; *) exit 1 ;; esac\n"
                                   "exec systemd-stdio-bridge -p '{}'\n",
                                   bus_.address()));
    const fakes::Ended list = on_host("admin@elsewhere", {"list"});
    EXPECT_EQ(list.status, success) << list.err;
    EXPECT_THAT(list.out, HasSubstr("0000:02:00.0  host"));
    EXPECT_EQ(on_host("admin@elsewhere", {"detach", "01:00.0"}).status, success);
    EXPECT_EQ(state(first_gpu), "(\"detached\")");
}

TEST_F(AnotherComputer, ThatCannotBeReachedIsNotReplacedByThisOne) {
    put_program("ssh", "exit 255\n");
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"list"}, {"status"}, {"plan", "detach", "01:00.0"}}) {
        const fakes::Ended ended = on_host("admin@elsewhere", words);
        EXPECT_EQ(ended.status, no_daemon);
        EXPECT_EQ(ended.out, "");
        EXPECT_THAT(ended.err, HasSubstr("admin@elsewhere"));
    }
}

}  // namespace
}  // namespace passthru::bus_test
