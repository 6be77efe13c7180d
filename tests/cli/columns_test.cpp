// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/columns.hpp"

#include "tests/cli/screen.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace passthru::ctl {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Le;
using testing::ResultOf;

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> result;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) result.push_back(line);
    return result;
}

auto fit_into(std::size_t width) {
    return Each(ResultOf(columns_of, Le(width)));
}

TEST(ATable, HasColumnsAsWideAsTheirWidestCellAndTwoBlanksApart) {
    EXPECT_EQ(table({"GPU", "OWNER"}, {{"01:00.0", "host"}, {"2", "win11"}}, Screen{}),
              "GPU      OWNER\n"
              "01:00.0  host\n"
              "2        win11\n");
}

TEST(ATable, WithoutRowsIsItsHeadings) {
    EXPECT_EQ(table({"GPU", "OWNER"}, {}, Screen{80}), "GPU  OWNER\n");
}

TEST(ATable, HasNoBlanksAtTheEndOfALine) {
    EXPECT_EQ(table({"A", "B"}, {{"x", ""}, {"", "y"}}, Screen{}), "A  B\nx\n   y\n");
}

TEST(ATable, CountsCharactersAndNotBytes) {
    EXPECT_EQ(table({"NAME", "X"}, {{"Jörg", "1"}, {"“é”", "2"}}, Screen{}),
              "NAME  X\n"
              "Jörg  1\n"
              "“é”   2\n");
}

TEST(ATable, IsCutWhereTheTerminalIsNarrow) {
    const std::vector<Row> rows{{"01:00.0", "GeForce RTX 3060"}, {"2", "x"}};
    EXPECT_THAT(lines(table({"GPU", "NAME"}, rows, Screen{12})),
                ElementsAre("GPU      NA…", "01:00.0  Ge…", "2        x"));
    EXPECT_THAT(lines(table({"GPU", "NAME"}, rows, Screen{25})),
                ElementsAre("GPU      NAME", "01:00.0  GeForce RTX 3060", "2        x"));
}

TEST(ATable, IsCutBetweenCharacters) {
    EXPECT_THAT(lines(table({"ÄÖÜ"}, {{"äöüß"}}, Screen{3})), ElementsAre("ÄÖÜ", "äö…"));
}

TEST(ATable, FitsIntoAnyTerminal) {
    for (std::size_t width = 1; width < 40; ++width) {
        const std::string text =
            table({"GPU", "NAME"}, {{"0000:01:00.0", "“Größe” of a thing"}}, Screen{width});
        EXPECT_THAT(lines(text), fit_into(width)) << width;
        EXPECT_EQ(lines(text).size(), 2U) << width;
    }
}

TEST(ATable, KeepsOrdersToTheTerminalToItself) {
    EXPECT_EQ(table({"COMMAND", "PID"},
                    {{"a\x1b[2J\nb\t", "7"},
                     {"\xc2\x9b"
                      "2J\x7f",
                      "8"}},
                    Screen{}),
              "COMMAND   PID\n"
              "a?[2J?b?  7\n"
              "?2J?      8\n");
}

TEST(ATable, ColoursOnlyItsWordsAndOnlyWhereColoursAre) {
    const std::vector<Row> rows{{{"host", Style::Good}, "x"}, {{"stuck", Style::Bad}, "y"}};
    EXPECT_EQ(table({"STATE", "X"}, rows, Screen{0, true}),
              "STATE  X\n"
              "\x1b[32mhost\x1b[0m   x\n"
              "\x1b[31mstuck\x1b[0m  y\n");
    EXPECT_EQ(table({"STATE", "X"}, rows, Screen{}), "STATE  X\nhost   x\nstuck  y\n");
}

TEST(ATable, IsCutByWhatIsSeenOfIt) {
    const std::vector<Row> rows{{{"detached", Style::Moving}, "GeForce"}};
    EXPECT_THAT(lines(table({"STATE", "NAME"}, rows, Screen{13, true})),
                ElementsAre("STATE     NA…", "\x1b[33mdetached\x1b[0m  Ge…"));
    EXPECT_THAT(lines(table({"STATE", "NAME"}, rows, Screen{5, true})),
                ElementsAre("STAT…", "\x1b[33mdeta…\x1b[0m"));
}

TEST(AText, IsBrokenBetweenWordsAndGoesOnBelowItself) {
    EXPECT_EQ(wrapped("one two three four", 9, 2), "one two\n  three\n  four");
    EXPECT_EQ(wrapped("one two three four", 18, 2), "one two three four");
}

TEST(AText, IsNotBrokenWhereThereIsNoTerminal) {
    const std::string text(500, 'x');
    EXPECT_EQ(wrapped(text + " " + text, 0, 4), text + " " + text);
}

TEST(AText, CountsCharactersAndNotBytes) {
    EXPECT_EQ(wrapped("“äöü” “äöü”", 11, 0), "“äöü” “äöü”");
    EXPECT_EQ(wrapped("“äöü” “äöü”", 10, 0), "“äöü”\n“äöü”");
}

TEST(AText, KeepsAWordWholeThatIsLongerThanTheLine) {
    EXPECT_EQ(wrapped("a 0000:01:00.0 b", 5, 2), "a\n  0000:01:00.0\n  b");
}

TEST(AText, LosesNoWordInATerminalThatIsNarrowerThanItsIndent) {
    EXPECT_EQ(wrapped("one two three", 1, 4), "one\n    two\n    three");
}

TEST(AText, KeepsOrdersToTheTerminalToItself) {
    EXPECT_EQ(wrapped("in use by a\x1b[2J (pid 7)", 80, 0), "in use by a?[2J (pid 7)");
    EXPECT_EQ(wrapped("in use by a\x1b[2J (pid 7)", 0, 0), "in use by a?[2J (pid 7)");
}

}  // namespace
}  // namespace passthru::ctl
