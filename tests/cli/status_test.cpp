// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/cli/on_a_machine.hpp"
#include "tests/cli/screen.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using nlohmann::json;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Le;
using testing::Not;
using testing::ResultOf;

class AStatus : public testing::Test {
protected:
    const OnAMachine machine_{R"(
        00:02.0 0300 8086:4680 group 0 driver i915 boot_vga
        01:00.0 0300 10de:2489 group 1 driver nouveau
        01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    )"};
};

TEST_F(AStatus, AsJsonHasWhatTheManualNames) {
    const json status = machine_.json({"status", "01:00.0"});
    EXPECT_THAT(members(status), ElementsAre("gpus"));
    ASSERT_EQ(status["gpus"].size(), 1U);
    const json& gpu = status["gpus"][0];
    EXPECT_THAT(members(gpu),
                ElementsAre("address", "boot_vga", "class", "class_name", "device_id", "device_set",
                            "driver", "functions", "iommu_groups", "job", "last_error",
                            "last_reset", "link_speed", "link_speed_max", "link_width",
                            "link_width_max", "model", "numa_node", "owner", "power_state", "queue",
                            "reset_methods", "state", "vendor_id"));
    ASSERT_EQ(gpu["functions"].size(), 2U);
    EXPECT_EQ(gpu["functions"][1], (json{{"address", "0000:01:00.1"},
                                         {"class", "0403"},
                                         {"class_name", "audio"},
                                         {"vendor_id", "10de"},
                                         {"device_id", "228b"},
                                         {"role", "companion"},
                                         {"driver", "snd_hda_intel"},
                                         {"driver_override", nullptr},
                                         {"iommu_group", 1}}));
    EXPECT_TRUE(gpu["job"].is_null());
    EXPECT_TRUE(gpu["owner"].is_null()) << "nobody was asked";
}

TEST_F(AStatus, IsAboutAllGpusWhereNoneIsNamed) {
    EXPECT_EQ(machine_.json({"status"})["gpus"].size(), 2U);
    EXPECT_THAT(machine_.run({"status"}).out, HasSubstr("\n\n         GPU: 0000:01:00.0\n"));
}

TEST_F(AStatus, IsTheCardsForItsAudio) {
    EXPECT_EQ(machine_.json({"status", "0000:01:00.1"}), machine_.json({"status", "01:00.0"}));
}

TEST_F(AStatus, HasItsOwnExitStatusForAGpuThatIsNotThere) {
    EXPECT_EQ(machine_.run({"status", "09:00.0"}).status, 3);
    EXPECT_EQ(machine_.run({"status", "GeForce"}).status, 2);
    EXPECT_EQ(machine_.json({"status", "09:00.0"})["error"], "org.passthru1.Error.NoSuchGpu");
}

TEST_F(AStatus, FitsIntoATerminal) {
    for (const unsigned short columns : std::vector<unsigned short>{40, 80, 200}) {
        EXPECT_THAT(machine_.screen({"status", "--color=never"}, columns),
                    Each(ResultOf(columns_of, Le(columns))));
    }
}

TEST_F(AStatus, HasColoursInATerminalAndWhereTheyAreAskedFor) {
    const std::string green = "\x1b[32mhost\x1b[0m";
    EXPECT_THAT(machine_.screen({"status", "01:00.0"}, 80), testing::Contains(HasSubstr(green)));
    EXPECT_THAT(machine_.screen({"--color=never", "list"}, 80), Each(Not(HasSubstr("\x1b"))));
    EXPECT_THAT(machine_.run({"list"}).out, Not(HasSubstr("\x1b")));
    EXPECT_THAT(machine_.run({"list", "--color=always"}).out, HasSubstr(green));
    EXPECT_EQ(machine_.run({"list", "--color=pink"}).status, 2);
}

TEST_F(AStatus, HasNoColoursWhereTheUserWantsNone) {
    ::setenv("NO_COLOR", "1", 1);
    EXPECT_THAT(machine_.screen({"list"}, 80), Each(Not(HasSubstr("\x1b"))));
    ::setenv("NO_COLOR", "", 1);
    EXPECT_THAT(machine_.screen({"list"}, 80), testing::Contains(HasSubstr("\x1b[32m")));
    ::unsetenv("NO_COLOR");
}

}  // namespace
}  // namespace passthru
