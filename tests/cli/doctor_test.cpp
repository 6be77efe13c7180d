// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/cli/on_a_machine.hpp"

#include <algorithm>
#include <gmock/gmock.h>

namespace passthru {
namespace {

using nlohmann::json;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Le;
using testing::Not;

class TheDoctor : public testing::Test {
protected:
    const OnAMachine machine_{R"(
        01:00.0 0300 10de:2489 driver nouveau
    )"};
};

TEST_F(TheDoctor, TellsEachTroubleWithItsCureAndFails) {
    const fakes::Ended ended = machine_.run({"doctor"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.out, HasSubstr("error: IommuOff\n"));
    EXPECT_THAT(ended.out, HasSubstr("50-passthru: hook-missing\n"));
    EXPECT_THAT(ended.out, HasSubstr("    → install passthrud again"));
}

TEST_F(TheDoctor, NamesAPageOnce) {
    const OnAMachine alone{R"(
        01:00.0 0300 10de:2489 group 1 driver nouveau
    )"};
    const std::string text = alone.run({"doctor"}).out;
    EXPECT_THAT(text, HasSubstr("in passthrud.conf(5)\n"));
    EXPECT_THAT(text, Not(HasSubstr("see passthrud.conf(5)")));
}

TEST_F(TheDoctor, FitsTheTerminal) {
    std::vector<std::size_t> widths;
    for (const std::string& line : machine_.screen({"doctor"}, 60)) {
        // UTF-8's continuation bytes take no column.
        widths.push_back(static_cast<std::size_t>(
            std::ranges::count_if(line, [](char c) { return (c & 0xc0) != 0x80; })));
    }
    EXPECT_THAT(widths, Each(Le(100U))) << "a path is not broken";
    EXPECT_GT(widths.size(), 6U);
}

TEST_F(TheDoctor, AsJsonHasWhatTheManualNames) {
    const json answer = machine_.json({"doctor"});
    EXPECT_THAT(members(answer), ElementsAre("findings"));
    ASSERT_FALSE(answer["findings"].empty());
    EXPECT_THAT(members(answer["findings"][0]),
                ElementsAre("documentation", "id", "message", "remedy", "severity", "subject"));
}

TEST_F(TheDoctor, OfAVmReadsItsXml) {
    const auto put = [&](const char* name, const char* text) {
        machine_.kernel.put(name, text);
        return (machine_.kernel.path() / name).string();
    };
    const std::string good = put("win11.xml", "<domain><name>win11</name></domain>");
    EXPECT_THAT(machine_.run({"doctor", "--vm", good}).out, HasSubstr("win11: no-gpu\n"));
    const fakes::Ended bad = machine_.run({"doctor", "--vm", put("bad.xml", "<domain>")});
    EXPECT_EQ(bad.status, 2);
    EXPECT_EQ(bad.out, "");
    const fakes::Ended none = machine_.run({"doctor", "--vm", "/no/such.xml"});
    EXPECT_EQ(none.status, 2);
    EXPECT_THAT(none.err, HasSubstr("/no/such.xml cannot be read: No such file"));
}

}  // namespace
}  // namespace passthru
