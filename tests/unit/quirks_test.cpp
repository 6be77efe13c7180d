// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/reset/quirks.hpp"

#include "libpassthru/reset/quirk_file.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <filesystem>
#include <gmock/gmock.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Names = std::vector<std::string>;

/// An RX 580 of MSI.
Function card() {
    Function function;
    function.id = {0x1002, 0x67df};
    function.subsystem = {0x1462, 0x3413};
    function.class_code = 0x0300;
    return function;
}

QuirkFile read(std::string_view text) {
    return read_quirk_text(text, "x.toml");
}

/// What such a file says about the card; it must have no mistake.
CardQuirk about_card(std::string_view text) {
    const QuirkFile file = read(text);
    EXPECT_THAT(file.problems, IsEmpty()) << text;
    return Quirks(file.entries).for_function(card());
}

bool fits(const std::string& match) {
    return about_card("[[quirk]]\n" + match + "\nadvice = \"it\"").advice == "it";
}

TEST(ACardThatNobodyKnows, HasTheUsualQuirk) {
    EXPECT_EQ(Quirks().for_function(card()), CardQuirk{});
    EXPECT_EQ(CardQuirk{}.when, ResetWhen::AfterStop);
    EXPECT_EQ(CardQuirk{}.remove_rescan, RemoveRescanRule::WhenDead);
}

TEST(AQuirk, SaysEverythingThatItCan) {
    CardQuirk all;
    all.prefer = {"device_specific", "flr"};
    all.avoid = {"bus"};
    all.when = ResetWhen::Both;
    all.wait = std::chrono::milliseconds(1500);
    all.d3cold = SleepRule::Forbid;
    all.idle_d3 = SleepRule::Forbid;
    all.companions_too = true;
    all.remove_rescan = RemoveRescanRule::Never;
    all.advice = "Turn it off and on again.";
    EXPECT_EQ(about_card(R"(
        [[quirk]]
        vendor = "1002"
        prefer = ["device_specific", "flr"]
        avoid = ["bus"]
        when = "both"
        wait-ms = 1500
        d3cold = "forbid"
        idle-d3 = "forbid"
        companions-too = true
        remove-rescan = "never"
        advice = "Turn it off and on again."
    )"),
              all);
}

TEST(AQuirk, FitsByVendorDevicesSubsystemAndClass) {
    for (const char* match :
         {R"(vendor = "1002")", R"(class = "03")", R"(class = "0300")", R"(subsystem = "1462:*")",
          R"(subsystem = "1462:3413")", "vendor = \"1002\"\ndevices = [\"0001\", \"67df\"]",
          "vendor = \"1002\"\ndevices = [\"67c0-67df\"]", "vendor = \"1002\"\ndevices = [\"67DF\"]",
          "vendor = \"1002\"\ndevices = [\"67df-67ff\"]\nsubsystem = \"1462:*\"\nclass = \"03\""}) {
        EXPECT_TRUE(fits(match)) << match;
    }
    for (const char* match :
         {R"(vendor = "10de")", R"(class = "04")", R"(class = "0302")", R"(subsystem = "1458:*")",
          R"(subsystem = "1462:3414")", "vendor = \"1002\"\ndevices = [\"67e0-67ff\"]",
          "vendor = \"10de\"\ndevices = [\"67df\"]", "vendor = \"1002\"\nclass = \"12\"",
          "vendor = \"1002\"\ndevices = [\"67df\"]\nsubsystem = \"1458:*\""}) {
        EXPECT_FALSE(fits(match)) << match;
    }
}

TEST(TheMoreExactQuirk, WinsKeyByKeyWhereverItStands) {
    const CardQuirk quirk = about_card(R"(
        [[quirk]]
        vendor = "1002"
        devices = ["67df"]
        subsystem = "1462:*"
        prefer = ["maker"]
        [[quirk]]
        vendor = "1002"
        devices = ["67df"]
        prefer = ["device"]
        avoid = ["device"]
        [[quirk]]
        vendor = "1002"
        class = "03"
        prefer = ["vendor"]
        avoid = ["vendor"]
        wait-ms = 2
        [[quirk]]
        class = "03"
        prefer = ["class"]
        avoid = ["class"]
        wait-ms = 1
        advice = "class"
    )");
    EXPECT_EQ(quirk.prefer, Names{"maker"});
    EXPECT_EQ(quirk.avoid, Names{"device"});
    EXPECT_EQ(quirk.wait, std::chrono::milliseconds(2));
    EXPECT_EQ(quirk.advice, "class");
}

TEST(TheMoreExactQuirk, IsTheOneWithTheDeviceBeforeTheOneWithTheBoard) {
    EXPECT_EQ(about_card(R"(
        [[quirk]]
        vendor = "1002"
        devices = ["67df"]
        prefer = ["device"]
        [[quirk]]
        vendor = "1002"
        class = "0300"
        subsystem = "1462:3413"
        prefer = ["board"]
    )")
                  .prefer,
              Names{"device"});
}

TEST(TheMoreExactQuirk, MayTakeBackALessExactOne) {
    EXPECT_THAT(about_card(R"(
        [[quirk]]
        vendor = "1002"
        devices = ["67df"]
        prefer = []
        [[quirk]]
        vendor = "1002"
        prefer = ["device_specific"]
    )")
                    .prefer,
                IsEmpty());
}

TEST(OfTwoEquallyExactQuirks, TheLaterWins) {
    EXPECT_EQ(about_card(R"(
        [[quirk]]
        vendor = "1002"
        prefer = ["first"]
        [[quirk]]
        vendor = "1002"
        prefer = ["second"]
    )")
                  .prefer,
              Names{"second"});
}

TEST(AMistakeInAQuirk, IsNamedWithItsPlaceAndCostsThatKeyOnly) {
    for (const char* line :
         {"prefer = \"flr\"", "prefer = [\"FLR\"]", "prefer = [1]", "avoid = [\"a-b\"]",
          "when = \"now\"", "when = 1", "wait-ms = -1", "wait-ms = 10001", "wait-ms = 1.5",
          "idle-d3 = \"no\"", "companions-too = \"yes\"", "remove-rescan = false", "advice = 1",
          "advice = \"two\\nlines\""}) {
        const std::string text =
            std::string("[[quirk]]\nvendor = \"1002\"\n") + line + "\nd3cold = \"forbid\"";
        const QuirkFile file = read(text);
        EXPECT_THAT(file.problems, ElementsAre(testing::StartsWith("x.toml:3:"))) << line;
        ASSERT_EQ(file.entries.size(), 1U) << line;
        CardQuirk rest;
        rest.d3cold = SleepRule::Forbid;
        EXPECT_EQ(Quirks(file.entries).for_function(card()), rest) << line;
    }
    EXPECT_THAT(read("[[quirk]]\nvendor = \"1002\"\nd3cold = true").problems,
                ElementsAre(testing::StartsWith("x.toml:3:10: ")));
}

TEST(AMistakeAboutTheCards, CostsTheWholeQuirkAndNoOther) {
    for (const char* line :
         {"vendor = 1002", "vendor = \"102\"", "vendor = \"0x1002\"", "class = \"3\"",
          "class = \"030000\"", "class = 3", "subsystem = \"1462\"", "subsystem = \"1462:34\"",
          "subsystem = \"*:*\"", "vendor = \"1002\"\ndevices = \"67df\"",
          "vendor = \"1002\"\ndevices = []", "vendor = \"1002\"\ndevices = [\"67df-67c0\"]",
          "vendor = \"1002\"\ndevices = [\"67df-\"]", "vendor = \"1002\"\ndevices = [\"+7df\"]",
          "devices = [\"67df\"]", "prefer = [\"flr\"]", "vendor = \"1002\"\nrevision = \"c7\""}) {
        const QuirkFile file = read(std::string("[[quirk]]\n") + line +
                                    "\n[[quirk]]\nvendor = \"1002\"\nadvice = \"used\"");
        EXPECT_THAT(file.problems, ElementsAre(HasSubstr("x.toml:"))) << line;
        ASSERT_EQ(file.entries.size(), 1U) << line;
        EXPECT_EQ(file.entries.front().advice, "used") << line;
    }
    EXPECT_THAT(read("[[quirk]]\nvendor = \"1002\"\ndevices = [\"67df\", \"67dg\"]").problems,
                ElementsAre(testing::StartsWith("x.toml:3:20: “67dg”")));
    EXPECT_THAT(read("[[quirk]]\nvendor = \"1002\"\ndevice = \"67df\"").problems,
                ElementsAre(testing::StartsWith("x.toml:3:1: “device” is not known")));
}

TEST(AFileThatIsNoToml, IsOneProblemWithItsPlace) {
    const QuirkFile file = read("[[quirk]]\nvendor = \"1002\"\nprefer = [");
    EXPECT_THAT(file.problems, ElementsAre(testing::StartsWith("x.toml:3:")));
    EXPECT_THAT(file.entries, IsEmpty());
}

TEST(AFileWithSomethingElse, IsUsedWithoutIt) {
    const QuirkFile file = read("version = 2\nquirk = [1, {vendor = \"1002\"}]");
    EXPECT_THAT(file.problems,
                ElementsAre(testing::StartsWith("x.toml:2:10: write [[quirk]]"),
                            testing::StartsWith("x.toml:1:1: “version” is not known")));
    EXPECT_EQ(file.entries.size(), 1U);
    EXPECT_THAT(read("[quirk]\nvendor = \"1002\"").problems,
                ElementsAre(testing::StartsWith("x.toml:1:")));
}

/// A machine with quirk files in the three folders.
class AQuirkFile : public testing::Test {
protected:
    void put(const std::filesystem::path& folder, const char* name, const char* text) const {
        std::filesystem::create_directories(kernel_.path() / folder);
        kernel_.put(folder / name, text);
    }
    [[nodiscard]] std::string advice() const {
        return read_quirk_files(kernel_.root()).quirks.for_function(card()).advice;
    }

    const FakeKernel kernel_{""};
    const std::filesystem::path shipped_ =
        std::filesystem::path(PASSTHRU_QUIRKS_PATH).relative_path();
    const std::filesystem::path run_ = "run/passthrud/quirks.d";
    const std::filesystem::path etc_ = "etc/passthrud/quirks.d";
};

constexpr const char* one = "[[quirk]]\nvendor = \"1002\"\nadvice = \"one\"";
constexpr const char* two = "[[quirk]]\nvendor = \"1002\"\nadvice = \"two\"";
constexpr const char* three = "[[quirk]]\nvendor = \"1002\"\nadvice = \"three\"";

TEST_F(AQuirkFile, OfTheAdministratorReplacesTheOneOfItsName) {
    EXPECT_EQ(advice(), "");
    put(shipped_, "50-amd.toml", one);
    EXPECT_EQ(advice(), "one");
    put(run_, "50-amd.toml", two);
    EXPECT_EQ(advice(), "two");
    put(etc_, "50-amd.toml", three);
    EXPECT_EQ(advice(), "three");
}

TEST_F(AQuirkFile, ComesInTheOrderOfItsNameWhateverItsFolder) {
    put(etc_, "10-mine.toml", one);
    put(shipped_, "50-amd.toml", two);
    EXPECT_EQ(advice(), "two");
    put(run_, "90-late.toml", three);
    EXPECT_EQ(advice(), "three");
    put(run_, "95-late.conf", one);
    EXPECT_EQ(advice(), "three");
}

TEST_F(AQuirkFile, IsTakenOutByALinkToDevNull) {
    put(shipped_, "50-amd.toml", one);
    std::filesystem::create_directories(kernel_.path() / etc_);
    std::filesystem::create_symlink("/dev/null", kernel_.path() / etc_ / "50-amd.toml");
    EXPECT_EQ(advice(), "");
}

TEST_F(AQuirkFile, ThatIsDamagedLeavesTheOthersInUse) {
    put(shipped_, "50-amd.toml", one);
    put(shipped_, "60-bad.toml", "[[quirk]");
    std::filesystem::create_directories(kernel_.path() / etc_ / "70-folder.toml");
    const ReadQuirks read = read_quirk_files(kernel_.root());
    EXPECT_EQ(read.quirks.for_function(card()).advice, "one");
    EXPECT_THAT(read.problems, ElementsAre(HasSubstr("60-bad.toml:1:"),
                                           HasSubstr("70-folder.toml cannot be read")));
}

}  // namespace
}  // namespace passthru
