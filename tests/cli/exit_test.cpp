// SPDX-License-Identifier: LGPL-2.1-or-later
// The exit statuses of passthructl(1), as far as no daemon has a part in them.
#include "tests/cli/on_a_machine.hpp"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::Ended;
using testing::HasSubstr;
using testing::IsEmpty;

enum Status { success = 0, failed = 1, usage = 2, not_found = 3, no_daemon = 8 };

class Passthructl : public testing::Test {
protected:
    const OnAMachine machine_{R"(
        00:02.0 0300 8086:4680 group 0 driver i915 boot_vga
        00:1f.0 0200 8086:15f3 group 5 driver igc
        01:00.0 0300 10de:2489 group 1 driver nouveau
        01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    )"};
};

TEST_F(Passthructl, SucceedsWhereItHasAnAnswer) {
    for (const OnAMachine::Words& words : std::vector<OnAMachine::Words>{
             {}, {"list"}, {"plan", "detach", "01:00.0"}, {"holders", "01:00.0"}, {"help"}}) {
        const Ended ended = machine_.run(words);
        EXPECT_EQ(ended.status, success) << ended.err;
        EXPECT_FALSE(ended.out.empty());
        EXPECT_THAT(ended.err, IsEmpty());
    }
}

TEST_F(Passthructl, HelpsWithoutABus) {
    const Ended help = passthructl({"help"});
    EXPECT_EQ(help.status, success);
    for (const char* text : {"\n  detach ", "\n  watch ", "--no-ask-password", "Exit status: "}) {
        EXPECT_THAT(help.out, HasSubstr(text));
    }
    EXPECT_THAT(passthructl({"help", "detach"}).out, HasSubstr("--override"));
    EXPECT_EQ(passthructl({"help", "explode"}).status, usage);
}

TEST_F(Passthructl, SucceedsWhereAPlanSaysNo) {
    const Ended ended = machine_.run({"plan", "detach", "00:02.0"});
    EXPECT_EQ(ended.status, success);
    EXPECT_THAT(ended.out, HasSubstr("The detach would be refused:\n  - BootGpu: "));
}

TEST_F(Passthructl, HasItsOwnStatusForAGpuThatIsNotThere) {
    for (const char* address : {"09:00.0", "0000:01:00.5", "00:1f.0"}) {
        SCOPED_TRACE(address);
        EXPECT_EQ(machine_.run({"plan", "detach", address}).status, not_found);
        EXPECT_EQ(machine_.run({"holders", address}).status, not_found);
    }
    EXPECT_THAT(machine_.run({"plan", "detach", "00:1f.0"}).out,
                HasSubstr("0000:00:1f.0 (Ethernet controller) is no GPU"));
}

TEST_F(Passthructl, RefusesWrongWords) {
    for (const OnAMachine::Words& words :
         std::vector<OnAMachine::Words>{{"explode"},
                                        {"list", "01:00.0"},
                                        {"list", "plan"},
                                        {"--explode"},
                                        {"plan"},
                                        {"plan", "detach"},
                                        {"plan", "detach", "01:00.0", "01:00.1"},
                                        {"plan", "explode", "01:00.0"},
                                        {"plan", "reattach", "01:00.0"},
                                        {"holders"},
                                        {"plan", "detach", "GeForce"},
                                        {"plan", "detach", ""},
                                        {"plan", "detach", "01:00.9"},
                                        {"holders", "GeForce"},
                                        {"owner"},
                                        {"dump-rom"},
                                        {"dump-rom", "01:00.0"},
                                        {"forget"}}) {
        SCOPED_TRACE(testing::PrintToString(words));
        const Ended ended = machine_.run(words);
        EXPECT_EQ(ended.status, usage);
        EXPECT_FALSE(ended.err.empty());
        EXPECT_THAT(ended.out, IsEmpty());
    }
}

TEST_F(Passthructl, AsksNoDaemonAboutACopyOfAMachine) {
    for (const OnAMachine::Words& words : std::vector<OnAMachine::Words>{
             {"owner", "01:00.0"}, {"forget", "win11"}, {"dump-rom", "01:00.0", "/new.rom"}}) {
        const Ended ended = machine_.run(words);
        EXPECT_EQ(ended.status, usage);
        EXPECT_THAT(ended.err, HasSubstr("--root"));
    }
}

TEST_F(Passthructl, TellsAFolderThatIsNoMachine) {
    const std::string folder = (machine_.kernel.path() / "proc").string();
    for (const OnAMachine::Words& words : std::vector<OnAMachine::Words>{
             {"list"}, {"plan", "detach", "01:00.0"}, {"holders", "01:00.0"}}) {
        OnAMachine::Words all{"--root", folder};
        all.insert(all.end(), words.begin(), words.end());
        const Ended ended = passthructl(all);
        EXPECT_EQ(ended.status, failed);
        EXPECT_THAT(ended.out, IsEmpty());
        EXPECT_THAT(ended.err, HasSubstr(folder + " is no copy of a machine"));
    }
}

TEST_F(Passthructl, TellsAFolderThatIsNone) {
    const std::string file = (machine_.kernel.path() / "sys/bus/pci/rescan").string();
    for (const std::string& folder : {file, file + "/x", std::string()}) {
        EXPECT_EQ(passthructl({"--root", folder, "list"}).status, usage) << folder;
    }
}

TEST_F(Passthructl, TellsAMistakeInTheConfigurationWithItsPlace) {
    machine_.kernel.put("etc/passthrud/passthrud.conf", "[gpu.\"*\"]\nin-use = \"maybe\"\n");
    const Ended ended = machine_.run({"plan", "detach", "01:00.0"});
    EXPECT_NE(ended.status, success);
    EXPECT_THAT(ended.err, HasSubstr("passthrud.conf:2:"));
}

TEST_F(Passthructl, SaysInJsonWhatIsWrongToo) {
    const auto complaint = machine_.json({"plan", "reattach", "01:00.0"});
    EXPECT_THAT(members(complaint), testing::ElementsAre("error", "message"));
    EXPECT_EQ(complaint["error"], "org.freedesktop.DBus.Error.InvalidArgs");
}

TEST_F(Passthructl, SaysInJsonThatWordsAreWrong) {
    const auto complaint = machine_.json({"explode"});
    EXPECT_THAT(members(complaint), testing::ElementsAre("error", "message"));
    EXPECT_EQ(machine_.run({"explode", "--json"}).status, usage);
}

TEST_F(Passthructl, TellsThatNoDaemonCanBeReached) {
    for (const OnAMachine::Words& words :
         std::vector<OnAMachine::Words>{{"owner", "01:00.0"},
                                        {"holders", "01:00.0"},
                                        {"forget", "win11"},
                                        {"dump-rom", "01:00.0", "/new.rom"},
                                        {"detach", "01:00.0"}}) {
        const Ended ended = passthructl(words);
        EXPECT_EQ(ended.status, no_daemon) << ended.err;
        EXPECT_FALSE(ended.err.empty());
    }
}

TEST_F(Passthructl, ChangesNothing) {
    const std::string before = machine_.kernel.dump();
    for (const OnAMachine::Words& words : std::vector<OnAMachine::Words>{
             {"list"}, {"plan", "detach", "01:00.0"}, {"holders", "01:00.0"}}) {
        std::ignore = machine_.run(words);
    }
    EXPECT_EQ(machine_.kernel.dump(), before);
}

}  // namespace
}  // namespace passthru
