// SPDX-License-Identifier: LGPL-2.1-or-later
// Every write of every plan goes wrong, in every way: the set ends in a state that has a name, and
// the next start of a VM works or is refused by that name.
#include "tests/daemon/card_world.hpp"
#include "tests/daemon/matrix.hpp"

#include <cstdio>
#include <gtest/gtest.h>
#include <map>

namespace passthru {
namespace {

using fakes::Fault;
using namespace std::chrono_literals;

struct Kind {
    const char* name;
    Fault fault;
    bool always = false;
};
constexpr Kind kinds[] = {
    {"EBUSY", Fault::Busy},         {"ENODEV", Fault::NoDevice},
    {"EIO", Fault::InputOutput},    {"EINVAL", Fault::Invalid},
    {"no effect", Fault::NoEffect}, {"late error", Fault::LateError},
    {"hangs", Fault::Block},        {"EBUSY always", Fault::Busy, true},
    {"unplug", Fault::Unplug},      {"card unplugged", Fault::UnplugCard},
};

/// A write that a fault can be planned for: the how manieth of its attribute and function.
struct Write {
    std::string text;
    std::string attribute;
    Bdf bdf;
    int nth = 0;
};

std::vector<Write> writes_of(const Card& card, Move move) {
    CardWorld world(card, move);
    world.answer(world.begin());
    std::vector<Write> writes;
    std::map<std::string, int> counts;
    bool wanted = move != Move::Undo;
    const std::string last_of_detach = "drivers_probe " + world.gpu().str();
    for (const std::string& text : world.writes_of_the_move()) {
        const std::size_t space = text.find(' ');
        Write write{text, text.substr(0, space), parse_bdf(text.substr(space + 1, 12)).value()};
        write.nth = ++counts[write.attribute + write.bdf.str()];
        if (wanted) writes.push_back(write);
        wanted = wanted || text == last_of_detach;
    }
    return writes;
}

class EveryWrite : public testing::TestWithParam<Case> {};

/// What such a fault of this write takes away.
std::vector<Bdf> unplugged_by(const Card& card, const Write& write, Fault fault) {
    if (fault == Fault::Unplug) return {write.bdf};
    std::vector<Bdf> functions;
    for (const Bdf& bdf : card.functions) {
        if (fault == Fault::UnplugCard && bdf.same_slot(write.bdf)) functions.push_back(bdf);
    }
    return functions;
}

Ending run_into(const Card& card, Move move, const Write& write, const Kind& kind) {
    const bool hangs = kind.fault == Fault::Block;
    CardWorld world(card, move, hangs ? 1s : 30s);
    const std::vector<Bdf> unplugged = unplugged_by(card, write, kind.fault);
    if (!unplugged.empty()) world.will_be_unplugged(unplugged);
    world.kernel_.plan_fault(write.attribute, write.bdf, kind.fault, kind.always ? 0 : write.nth);
    Ending ending = world.ending(world.answer(world.begin()));
    if (hangs && ending.complaint.empty() && ending.word != "stuck")
        ending.complaint = "the daemon did not notice";
    const bool may_fail = kind.always || !unplugged.empty();
    if (!hangs && !may_fail && ending.complaint.empty() && ending.word == "failed")
        ending.complaint = "it fails for good because of one fault";
    if (ending.complaint.empty()) ending.complaint = world.next_start(ending);
    return ending;
}

TEST_P(EveryWrite, ThatGoesWrongLeavesTheSetInAStateWithAName) {
    const auto [card, move] = GetParam();
    const std::vector<Write> writes = writes_of(*card, move);
    ASSERT_GE(writes.size(), 6U);
    std::vector<std::string> columns;
    for (const Kind& kind : kinds) columns.emplace_back(kind.name);
    Matrix matrix(fmt::format("{} of {}", move_name(move), card->name), columns);
    for (const Write& write : writes) {
        matrix.add_row(write.text);
        for (const Kind& kind : kinds) {
            const Ending ending = run_into(*card, move, write, kind);
            matrix.add_cell(ending.cell());
            EXPECT_EQ(ending.complaint, "") << write.text << ": " << kind.name;
        }
    }
    std::fputs(matrix.text().c_str(), stdout);
}

INSTANTIATE_TEST_SUITE_P(, EveryWrite, testing::ValuesIn(every_case), case_name);

}  // namespace
}  // namespace passthru
