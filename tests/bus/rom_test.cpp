// SPDX-License-Identifier: LGPL-2.1-or-later
// The expansion ROM of a card, through the real passthrud and passthructl.
#include "tests/bus/daemon_on_a_bus.hpp"
#include "tests/fakes/option_rom.hpp"
#include "tests/fakes/process.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <sstream>

namespace passthru::bus_test {
namespace {

using fakes::rom_image;
using testing::HasSubstr;

class DumpRom : public DaemonOnABus {
protected:
    void SetUp() override {
        kernel_.put("sys/bus/pci/devices/0000:01:00.0/rom", rom_image(4, true) + "more");
    }
    Answer dump() { return client_->call({first_gpu, gpu_interface, "DumpRom"}, "a{sv}", 0); }
    fakes::Ended passthructl(const std::string& file) const {
        return fakes::run({PASSTHRUCTL, "dump-rom", "01:00.0", file}, "",
                          {"DBUS_SYSTEM_BUS_ADDRESS=" + bus_.address()});
    }
};

TEST_F(DumpRom, GivesAFileOfADetachedCard) {
    ASSERT_TRUE(detach(first_gpu).ok());
    ASSERT_TRUE(dump().ok());
    std::string data(4096, 0);
    const ssize_t got = ::read(client_->descriptors.front().get(), data.data(), data.size());
    EXPECT_EQ(data.substr(0, static_cast<std::size_t>(got)), rom_image(4, true));
    EXPECT_TRUE(dump().ok());
    EXPECT_TRUE(reattach(first_gpu).ok());
}

TEST_F(DumpRom, IsRefusedOnTheDriversOfTheHost) {
    EXPECT_EQ(dump().error, "org.passthru1.Error.InUse");
}

TEST_F(DumpRom, IsRefusedWhileSomebodyHasTheCard) {
    const Answer lease =
        client_->call({first_gpu, gpu_interface, "Lease"}, "ssa{sv}", "test", "a trial", 0);
    ASSERT_TRUE(lease.ok()) << lease.text;
    const Answer answer = dump();
    EXPECT_EQ(answer.error, "org.passthru1.Error.Busy");
    EXPECT_THAT(answer.text, HasSubstr("belongs to the lease of test"));
}

TEST_F(DumpRom, TellsThatACardShowsNone) {
    ASSERT_TRUE(detach(first_gpu).ok());
    kernel_.put("sys/bus/pci/devices/0000:01:00.0/rom", std::string(4096, '\xff'));
    const Answer answer = dump();
    EXPECT_EQ(answer.error, "org.freedesktop.DBus.Error.Failed");
    EXPECT_THAT(answer.text, HasSubstr("no expansion ROM"));
    EXPECT_TRUE(reattach(first_gpu).ok());
}

TEST_F(DumpRom, ThatHangsIsNotBegunASecondTime) {
    step_limit_ = "1";
    ASSERT_EQ(end(SIGTERM), 0);
    start();
    ASSERT_TRUE(detach(first_gpu).ok());
    kernel_.plan_fault("rom", *parse_bdf("0000:01:00.0"), fakes::Fault::Block);
    EXPECT_EQ(dump().error, "org.passthru1.Error.TimedOut");
    EXPECT_EQ(dump().error, "org.passthru1.Error.Stuck");
    kernel_.unblock();
    EXPECT_TRUE(client_->wait_until([&] { return dump().ok(); }));
}

TEST_F(DumpRom, OfPassthructlWritesANewFile) {
    ASSERT_TRUE(detach(first_gpu).ok());
    const std::string file = kernel_.path() / "card.rom";
    const fakes::Ended ended = passthructl(file);
    EXPECT_EQ(ended.out, "2048 bytes are in " + file + "\n") << ended.err;
    std::ostringstream data;
    data << std::ifstream(file).rdbuf();
    EXPECT_EQ(data.str(), rom_image(4, true));
    const fakes::Ended again = passthructl(file);
    EXPECT_EQ(again.status, 2);
    EXPECT_THAT(again.err, HasSubstr("is there already"));
    EXPECT_THAT(passthructl("/no/folder/card.rom").err, HasSubstr("cannot be written"));
    EXPECT_TRUE(reattach(first_gpu).ok());
}

}  // namespace
}  // namespace passthru::bus_test
