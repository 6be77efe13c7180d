// SPDX-License-Identifier: LGPL-2.1-or-later
// The configuration as passthructl shows it.
#include "tests/cli/on_a_machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(AConfigurationOfNoFile, IsItsDefaults) {
    const OnAMachine machine("01:00.0 0300 10de:2489");
    EXPECT_EQ(machine.run({"config"}).out,
              "[gpu.\"*\"]\n"
              "boot-gpu = \"refuse\"   # default\n"
              "in-use = \"refuse\"     # default\n"
              "wait = 30             # default\n"
              "stop-services = []    # default\n"
              "queue = 0             # default\n"
              "at-stop = \"reattach\"  # default\n"
              "move-too = []         # default\n"
              "# reset: the quirk files and the kernel decide  # default\n"
              "exclude = false       # default\n");
}

class AConfiguration : public testing::Test {
protected:
    AConfiguration() {
        machine_.kernel.put("usr/lib/passthrud/passthrud.conf",
                            "[gpu.\"*\"]\nin-use = \"wait\"\nwait = 10\n");
        machine_.kernel.put("etc/passthrud/passthrud.conf.d/60-mine.conf",
                            "[gpu.\"*\"]\nwait = 20\nfoo = 1\n[gpu.\"01:00.0\"]\nreset = "
                            "[\"flr\", \"bus\"]\n");
    }

    const OnAMachine machine_{"01:00.0 0300 10de:2489"};
    const std::string vendor_ = machine_.kernel.path() / "usr/lib/passthrud/passthrud.conf";
    const std::string mine_ =
        machine_.kernel.path() / "etc/passthrud/passthrud.conf.d/60-mine.conf";
};

TEST_F(AConfiguration, TellsTheLineThatEachValueComesFrom) {
    const std::string text = machine_.run({"config"}).out;
    EXPECT_THAT(text, HasSubstr("\nin-use = \"wait\"        # " + vendor_ + ":2\n"));
    EXPECT_THAT(text, HasSubstr("\nwait = 20              # " + mine_ + ":2\n"));
    EXPECT_THAT(text, HasSubstr("\nboot-gpu = \"refuse\"    # default\n"));
    EXPECT_THAT(text, HasSubstr("\n\n[gpu.\"0000:01:00.0\"]\nreset = [\"flr\",\"bus\"]  # " +
                                mine_ + ":5\n"));
    EXPECT_THAT(text, HasSubstr("\n\n# " + mine_ + ":3:1: “foo” is not known and has no effect\n"));
}

TEST_F(AConfiguration, AsJsonHasWhatTheManualNames) {
    const json config = machine_.json({"config"});
    EXPECT_THAT(members(config), ElementsAre("files", "settings", "warnings"));
    EXPECT_EQ(config["files"], (json{vendor_, mine_}));
    EXPECT_EQ(config["warnings"].size(), 1U);
    ASSERT_EQ(config["settings"].size(), 10U);
    EXPECT_EQ(config["settings"][0], (json{{"subject", "*"},
                                           {"key", "boot-gpu"},
                                           {"value", "refuse"},
                                           {"file", nullptr},
                                           {"line", nullptr}}));
    EXPECT_EQ(
        config["settings"][2],
        (json{{"subject", "*"}, {"key", "wait"}, {"value", 20}, {"file", mine_}, {"line", 2}}));
    EXPECT_TRUE(config["settings"][7]["value"].is_null()) << "reset has no default of its own";
    EXPECT_EQ(config["settings"][9]["value"], (json{"flr", "bus"}));
}

TEST_F(AConfiguration, WithAMistakeIsTheMistake) {
    machine_.kernel.put("etc/passthrud/passthrud.conf.d/70-bad.conf", "[gpu.\"*\"]\nwait = 0\n");
    const fakes::Ended ended = machine_.run({"config"});
    EXPECT_EQ(ended.status, 2);
    EXPECT_THAT(ended.err, HasSubstr("70-bad.conf:2:8: "));
}

TEST(AnExcludedGpu, IsNotListedAndIsRefusedWithTheReason) {
    const OnAMachine machine("01:00.0 0300 10de:2489 group 1 driver nouveau");
    EXPECT_THAT(machine.run({"list"}).out, HasSubstr("01:00.0"));
    machine.kernel.put("etc/passthrud/passthrud.conf", "[gpu.\"*\"]\nexclude = true\n");
    EXPECT_THAT(machine.run({"list"}).out, testing::Not(HasSubstr("01:00.0")));
    EXPECT_THAT(machine.run({"plan", "detach", "01:00.0"}).out,
                HasSubstr("passthrud.conf(5) excludes it"));
}

TEST_F(AConfiguration, OfAnotherComputerIsNotRead) {
    EXPECT_EQ(passthructl({"-H", "root@nowhere.invalid", "config"}).status, 2);
}

}  // namespace
}  // namespace passthru
