// SPDX-License-Identifier: LGPL-2.1-or-later
// What a person sees in a terminal.
#include "tests/cli/on_a_machine.hpp"
#include "tests/cli/screen.hpp"
#include "tests/unit/machine.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace passthru {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Le;
using testing::Not;
using testing::ResultOf;

auto fit_into(std::size_t width) {
    return Each(ResultOf(columns_of, Le(width)));
}

/// As one line, so that it does not matter where it was broken.
std::string unbroken(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        const std::size_t begin = line.find_first_not_of(' ');
        if (begin != std::string::npos) text += (text.empty() ? "" : " ") + line.substr(begin);
    }
    return text;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

int times(const std::string& text, const std::string& part) {
    int count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

class ATerminal : public testing::TestWithParam<std::string> {
protected:
    const OnAMachine machine_ = OnAMachine::picture(GetParam());
};

TEST_P(ATerminal, OfEightyColumnsShowsEveryWordWithinThem) {
    EXPECT_THAT(machine_.screen({"list", "--color=never"}, 80), fit_into(80));
    const Inventory inventory = machine_.kernel.inventory();
    for (const auto& [bdf, function] : inventory.functions) {
        if (!function.is_gpu()) continue;
        const OnAMachine::Words plan{"plan", "detach", bdf.str()};
        const OnAMachine::Words screen = machine_.screen(plan, 80);
        EXPECT_THAT(screen, fit_into(80));
        EXPECT_EQ(unbroken(screen), unbroken(lines_of(machine_.run(plan).out)));
    }
}

INSTANTIATE_TEST_SUITE_P(, ATerminal, testing::ValuesIn(machine_ids()), [](const auto& it) {
    std::string name = it.param;
    std::ranges::replace(name, '-', '_');
    return name;
});

TEST(ANarrowTerminal, ShowsWholeWordsAndNoLineThatIsEmpty) {
    const OnAMachine machine = OnAMachine::picture("topo-z97-two-hd7970-one-group");
    for (const unsigned short columns : std::vector<unsigned short>{20, 40, 60}) {
        const auto screen = machine.screen({"plan", "detach", "01:00.0"}, columns);
        EXPECT_THAT(screen, fit_into(std::max<std::size_t>(columns, 30))) << columns;
        EXPECT_THAT(screen, Each(Not(testing::IsEmpty())));
    }
}

TEST(APlanOnAScreen, TellsTheRemedyOnceForAGroupFullOfOthers) {
    const OnAMachine machine(R"(
        01:00.0 0300 10de:2489 group 1 driver nouveau
        02:00.0 0106 1022:7901 group 1 driver ahci
        03:00.0 0c03 1022:43d5 group 1 driver xhci_hcd
        04:00.0 0200 10ec:8168 group 1 driver r8169
        05:00.0 0300 1002:73bf group 2 driver amdgpu
    )");
    const std::string text = unbroken(machine.screen({"plan", "detach", "01:00.0"}, 80));
    EXPECT_EQ(times(text, "NotIsolated"), 1) << text;
    EXPECT_EQ(times(text, "another slot"), 1) << text;
    EXPECT_THAT(text, HasSubstr("0000:02:00.0 (SATA controller), 0000:03:00.0 (USB controller), "
                                "0000:04:00.0 (Ethernet controller): "));
}

TEST(APlanOnAScreen, BreaksAStepThatIsAboutManyFunctions) {
    const OnAMachine machine(R"(
        01:00.0 0300 10de:1e84 group 1 driver nouveau
        01:00.1 0403 10de:10f8 group 1 driver snd_hda_intel
        01:00.2 0c03 10de:1ad8 group 1 driver xhci_hcd
        01:00.3 0c80 10de:1ad9 group 1 driver nvidia-gpu
        05:00.0 0300 1002:73bf group 2 driver amdgpu
    )");
    const auto piped = lines_of(machine.run({"plan", "detach", "01:00.0"}).out);
    EXPECT_THAT(piped, Not(fit_into(80))) << "else there is nothing to break";
    const auto screen = machine.screen({"plan", "detach", "01:00.0"}, 80);
    EXPECT_THAT(screen, fit_into(80));
    EXPECT_EQ(unbroken(screen), unbroken(piped));
}

TEST(HoldersOnAScreen, AreATable) {
    const OnAMachine machine("01:00.0 0300 10de:2489 group 1 driver nouveau");
    machine.kernel.add_process(812, "Xorg", {"/dev/dri/card0"});
    const auto screen = machine.screen({"holders", "01:00.0"}, 80);
    ASSERT_EQ(screen.size(), 2U);
    EXPECT_THAT(screen[0], testing::StartsWith("KIND     PID"));
    EXPECT_THAT(screen[1], HasSubstr("Xorg"));
    EXPECT_THAT(screen, fit_into(80));
}

TEST(HoldersOnAScreen, DoNotWriteToItWhatTheyPlease) {
    const OnAMachine machine("01:00.0 0300 10de:2489 group 1 driver nouveau");
    machine.kernel.add_process(812, "\x1b]0;root\x07", {"/dev/dri/card0"});
    for (const OnAMachine::Words& words :
         std::vector<OnAMachine::Words>{{"holders", "01:00.0"}, {"plan", "detach", "01:00.0"}}) {
        const std::string text = unbroken(machine.screen(words, 80));
        EXPECT_THAT(text, HasSubstr("?]0;root?"));
        EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    }
}

}  // namespace
}  // namespace passthru
