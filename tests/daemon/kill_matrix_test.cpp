// SPDX-License-Identifier: LGPL-2.1-or-later
// The daemon, its worker or both are killed before and after every step of every plan: the set ends
// on the host, as it was found, and the next VM can start.
#include "tests/daemon/card_world.hpp"
#include "tests/daemon/matrix.hpp"
#include "tests/fakes/paused_worker.hpp"

#include <cstdio>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::Pause;

/// Who is killed while the worker stands still.
enum class Victim { Worker, Daemon, DaemonThatIsBackAtOnce, Both, Card };

struct Death {
    const char* name;
    Victim victim;
};
constexpr Death deaths[] = {
    {"worker", Victim::Worker},
    {"daemon", Victim::Daemon},
    {"daemon, back at once", Victim::DaemonThatIsBackAtOnce},
    {"both", Victim::Both},
    {"card unplugged", Victim::Card},
};

PlanKind kind_of(Move move) {
    switch (move) {
        case Move::Detach: return PlanKind::Detach;
        case Move::Undo: return PlanKind::Undo;
        case Move::Reattach: return PlanKind::Reattach;
    }
    return PlanKind::Detach;
}

/// The plan of the move, as the daemon hands it to the worker.
Plan plan_of(const Card& card, Move move) {
    CardWorld world(card, move);
    fakes::plan_pause(world.kernel_.root(), {kind_of(move), Pause::Moment::Before, 0});
    const auto asked = world.begin();
    world.wait_for_a_blocked_write();
    Plan plan = world.entry(world.gpu()).assignment.plan;
    fakes::end_pause(world.kernel_.root());
    world.answer(asked);
    return plan;
}

void kill(CardWorld& world, Victim victim, const std::shared_ptr<RingWorld::Asked>& asked) {
    const Root root = world.kernel_.root();
    if (victim == Victim::Worker) {
        fakes::kill_paused(root);
        world.answer(asked);
        return;
    }
    if (victim == Victim::Card) {
        world.kernel_.unplug_card(world.gpu());
        fakes::end_pause(root);
        world.answer(asked);
        return;
    }
    world.stop();
    switch (victim) {
        case Victim::Both: fakes::kill_paused(root); break;
        case Victim::Daemon: fakes::end_pause(root); break;
        default: world.start(); fakes::end_pause(root);
    }
    if (!world.ring_) {
        RingWorld::wait_until_no_worker_is_left();
        world.start();
    }
    // Its hook got no answer, or its VM has ended: libvirt does not run it.
    world.ring_->domains_listed({}, std::chrono::steady_clock::now());
    world.wait_until_idle();
}

std::vector<Bdf> in_the_slot_of_the_gpu(const Card& card) {
    std::vector<Bdf> functions;
    for (const Bdf& bdf : card.functions) {
        if (bdf.same_slot(card.functions.front())) functions.push_back(bdf);
    }
    return functions;
}

Ending killed_at(const Card& card, Move move, std::size_t step, Pause::Moment moment,
                 Victim victim) {
    CardWorld world(card, move);
    fakes::plan_pause(world.kernel_.root(), {kind_of(move), moment, step});
    const auto asked = world.begin();
    if (victim == Victim::Card) world.will_be_unplugged(in_the_slot_of_the_gpu(card));
    world.wait_for_a_blocked_write();
    kill(world, victim, asked);
    Ending ending = world.ending(*asked);
    const bool may_fail = victim == Victim::Card;
    if (!may_fail && ending.complaint.empty() && ending.word != "host")
        ending.complaint = "it is not at home";
    if (ending.complaint.empty()) ending.complaint = world.next_start(ending);
    return ending;
}

class EveryStep : public testing::TestWithParam<Case> {};

TEST_P(EveryStep, ThatSomebodyIsKilledAtEndsWithTheSetOnTheHost) {
    const auto [which, move] = GetParam();
    const Card& card = *which;
    const Plan plan = plan_of(card, move);
    ASSERT_GE(plan.steps.size(), 8U);
    std::vector<std::string> columns;
    for (const Death& death : deaths) {
        columns.push_back(fmt::format("before: {}", death.name));
        columns.emplace_back("after");
    }
    Matrix matrix(fmt::format("{} of {}", move_name(move), card.name), columns);
    for (std::size_t step = 0; step < plan.steps.size(); ++step) {
        matrix.add_row(fmt::format("{} {}", step + 1, describe(plan.steps[step])));
        for (const Death& death : deaths) {
            for (const auto moment : {Pause::Moment::Before, Pause::Moment::After}) {
                const Ending ending = killed_at(card, move, step, moment, death.victim);
                matrix.add_cell(ending.cell());
                EXPECT_EQ(ending.complaint, "")
                    << describe(plan.steps[step]) << ": " << death.name << " killed "
                    << (moment == Pause::Moment::Before ? "before" : "after");
            }
        }
    }
    std::fputs(matrix.text().c_str(), stdout);
}

INSTANTIATE_TEST_SUITE_P(, EveryStep, testing::ValuesIn(every_case), case_name);

}  // namespace
}  // namespace passthru
