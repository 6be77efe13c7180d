// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_kernel.hpp"
#include "tests/fakes/private_bus.hpp"
#include "tests/fakes/process.hpp"
#include "tests/hook/fake_passthrud.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace passthru::hook_test {
namespace {

namespace fs = std::filesystem;
using fakes::Ended;
using fakes::PrivateBus;
using fakes::run;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* uuid = "c1a4f3d2-0000-4000-8000-000000000001";

std::string domain(std::string_view devices) {
    return fmt::format(
        "<domain type='kvm' id='7'><name>win11</name><uuid>{}</uuid><devices>{}</devices></domain>",
        uuid, devices);
}

std::string with_function(int bus, int function) {
    return domain(fmt::format(
        "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' "
        "bus='0x{:02x}' slot='0x00' function='0x{:x}'/></source></hostdev>",
        bus, function));
}

const std::string with_gpu = with_function(1, 0);
const std::string with_nic = with_function(2, 0);

/// The hook on a machine with one GPU and a network card.
class Hook : public testing::Test {
protected:
    /// The first stage, as the script runs it.
    [[nodiscard]] Ended hook(const std::string& operation, const std::string& suboperation,
                             const std::string& xml) const {
        return run({PASSTHRU_HOOK, "win11", operation, suboperation, "-"}, xml, environment());
    }
    /// The second stage, on the drawn machine.
    [[nodiscard]] Ended notify(const std::string& operation, const std::string& suboperation,
                               const std::string& xml) const {
        return run(
            {PASSTHRU_HOOK_NOTIFY, "--root", machine.path(), "win11", operation, suboperation, "-"},
            xml, environment());
    }
    [[nodiscard]] std::vector<std::string> environment() const {
        return {"PATH=/usr/bin:/bin", "LC_ALL=C", "DBUS_SYSTEM_BUS_ADDRESS=" + address};
    }

    PrivateBus bus;
    std::string address = bus.address();
    fakes::FakeKernel machine{R"(
00:01.0 0604 8086:460d group 1 driver pcieport
  01:00.0 0300 10de:2489 group 1 driver nouveau
  01:00.1 0403 10de:228b group 1 driver snd_hda_intel
00:1c.0 0604 8086:a110 group 2 driver pcieport
  02:00.0 0200 8086:15f3 group 3 driver igc
)"};
};

void expect_silence(const Ended& ended) {
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(ended.err, "");
}

TEST_F(Hook, HandsTheXmlToPassthrudSealed) {
    FakePassthrud passthrud(address, Accepts{});
    expect_silence(hook("prepare", "begin", with_gpu));
    const std::vector<Notified> asked = passthrud.finish();
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_THAT(asked[0].words, ElementsAre(uuid, "win11", "prepare", "begin", "-"));
    EXPECT_EQ(asked[0].xml, with_gpu);
    EXPECT_FALSE(asked[0].can_change);
}

TEST_F(Hook, ShowsARefusalAsOneLineAndStopsTheStart) {
    FakePassthrud passthrud(
        address, Refuses{"org.passthru1.Error.InUse", "GPU 0000:01:00.0 is in use:\nby Xorg"});
    const Ended ended = hook("prepare", "begin", with_gpu);
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(ended.err, "passthrud: GPU 0000:01:00.0 is in use: by Xorg\n");
}

TEST_F(Hook, RefusesWithPassthrudsStandardErrorsToo) {
    FakePassthrud passthrud(
        address, Refuses{"org.freedesktop.DBus.Error.Failed", "there is no /sys/bus/pci"});
    const Ended ended = notify("prepare", "begin", with_nic);
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.err, "passthrud: there is no /sys/bus/pci\n");
}

TEST_F(Hook, NeverFailsAtReleaseAndReconnect) {
    FakePassthrud passthrud(address,
                            Refuses{"org.passthru1.Error.ResetFailed", "the reset failed"});
    for (const auto& ended :
         {hook("release", "end", with_gpu), hook("reconnect", "begin", with_gpu)}) {
        EXPECT_EQ(ended.status, 0);
        EXPECT_EQ(ended.out, "");
        EXPECT_EQ(ended.err, "passthrud: the reset failed\n");
    }
    EXPECT_EQ(passthrud.finish().size(), 2U);
}

TEST_F(Hook, DoesNotAskForADomainWithoutPciDevices) {
    FakePassthrud passthrud(address, Refuses{"org.passthru1.Error.Busy", "no"});
    expect_silence(hook("prepare", "begin", domain("<disk type='file'/>")));
    expect_silence(hook("prepare", "begin", domain("<hostdev type='usb'/>")));
    EXPECT_THAT(passthrud.finish(), IsEmpty());
}

TEST_F(Hook, DoesNotAskAtOtherOperations) {
    FakePassthrud passthrud(address, Refuses{"org.passthru1.Error.Busy", "no"});
    for (const char* const operation :
         {"start", "started", "stopped", "migrate", "restore", "attach", "new"}) {
        expect_silence(hook(operation, "begin", with_gpu));
    }
    EXPECT_THAT(passthrud.finish(), IsEmpty());
}

void expect_unreachable(const Ended& ended, std::string_view reason) {
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err,
                AllOf(StartsWith("passthrud: GPU 0000:01:00.0 cannot be handed to win11"),
                      HasSubstr(reason), EndsWith("see 'systemctl status passthrud'\n")));
}

TEST_F(Hook, RefusesAGpuWhenPassthrudIsNotInstalled) {
    expect_unreachable(notify("prepare", "begin", with_gpu), "org.passthru1 was not provided");
    expect_silence(notify("prepare", "begin", with_nic));
    EXPECT_EQ(notify("reconnect", "begin", with_gpu).status, 0);
}

TEST_F(Hook, RefusesAGpuWhenPassthrudCannotBeStarted) {
    bus.make_activatable();
    expect_unreachable(notify("prepare", "begin", with_gpu), "Failed to execute program");
    expect_silence(notify("prepare", "begin", with_nic));
}

TEST_F(Hook, RefusesAGpuWhenThereIsNoBus) {
    address = "unix:path=/nonexistent/bus";
    expect_unreachable(notify("prepare", "begin", with_gpu), "No such file or directory");
    expect_silence(notify("prepare", "begin", with_nic));
}

TEST_F(Hook, RefusesAGpuWhenPassthrudDiesInTheMiddle) {
    FakePassthrud passthrud(address, Dies{});
    expect_unreachable(notify("prepare", "begin", with_gpu), "");
}

TEST_F(Hook, RefusesAGpuWhenPassthrudIsAnother) {
    FakePassthrud passthrud(
        address, Refuses{"org.freedesktop.DBus.Error.UnknownMethod", "Unknown method Notify"});
    expect_unreachable(notify("prepare", "begin", with_gpu), "Unknown method");
    expect_silence(notify("prepare", "begin", with_nic));
}

TEST_F(Hook, RefusesXmlThatIsTooLongOnlyForAPciDevice) {
    const std::string filler(5 * 1024 * 1024, ' ');
    const Ended ended = hook("prepare", "begin", with_gpu + filler);
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, HasSubstr("longer than 4 MiB"));
    expect_silence(hook("prepare", "begin", domain("") + filler));
}

/// The script with another program in the place of the installed one.
class Script : public Hook {
protected:
    [[nodiscard]] Ended script(const std::string& program, const std::string& operation) const {
        const std::string placeholder = "@CMAKE_INSTALL_FULL_BINDIR@/passthru-hook";
        std::ostringstream read;
        read << std::ifstream(PASSTHRU_HOOK_SCRIPT).rdbuf();
        std::string text = read.str();
        text.replace(text.find(placeholder), placeholder.size(), program);
        return run({"/bin/sh", "-c", text, "50-passthru", "win11", operation, "begin", "-"},
                   with_gpu, environment());
    }
};

TEST_F(Script, RunsTheProgram) {
    FakePassthrud passthrud(address, Refuses{"org.passthru1.Error.Busy", "no"});
    const Ended ended = script(PASSTHRU_HOOK, "prepare");
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.err, "passthrud: no\n");
    expect_silence(script(PASSTHRU_HOOK, "start"));
    EXPECT_EQ(passthrud.finish().size(), 1U);
}

TEST_F(Script, LetsEveryDomainStartWhereTheProgramIsRemoved) {
    expect_silence(script("/nonexistent/passthru-hook", "prepare"));
}

TEST_F(Script, NeverFailsAtReconnect) {
    EXPECT_EQ(script("/bin/false", "reconnect").status, 0);
    EXPECT_EQ(script("/bin/false", "prepare").status, 1);
}

TEST_F(Script, LetsEveryDomainStartWhereTheProgramCannotBeRun) {
    const fs::path broken = machine.path() / "broken";
    std::ofstream(broken) << "#!/nonexistent/interpreter\n";
    fs::permissions(broken, fs::perms::owner_all);
    EXPECT_EQ(script(broken, "prepare").status, 0);
}

}  // namespace
}  // namespace passthru::hook_test
