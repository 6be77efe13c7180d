// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/lease_service.hpp"

#include "tests/daemon/one_card.hpp"

#include <gmock/gmock.h>

namespace passthru {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint32_t bob = 1000;

class ALentSet : public OneCard {
protected:
    void SetUp() override {
        ticket_ = desk_.lend(gamescope, bob);
        desk_.run_jobs();
        ASSERT_TRUE(desk_.succeeded(ticket_)) << desk_.message(ticket_);
    }
    Ticket ticket_ = 0;
};

TEST_F(ALentSet, MayBeOpenedByItsUserAndComesBack) {
    EXPECT_EQ(kernel_.user_of("/dev/vfio/1"), bob);
    EXPECT_EQ(desk_.it.owner, gamescope);
    const Ticket over = desk_.reattach(gamescope.id);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(over));
    expect_untouched();
}

TEST_F(ALentSet, IsRefusedToVmsAndToTheAdministratorByName) {
    for (const Ticket refused : {desk_.detach(win11), desk_.reattach()}) {
        EXPECT_EQ(desk_.refusal(refused), Errc::Busy);
        EXPECT_THAT(desk_.message(refused), HasSubstr("the lease of gamescope"));
    }
    EXPECT_TRUE(desk_.succeeded(desk_.reattach("another")));
    EXPECT_EQ(desk_.it.owner, gamescope);
}

TEST_F(ALentSet, IsNotForgottenByARestart) {
    desk_.restart();
    EXPECT_EQ(desk_.it.owner, gamescope);
    EXPECT_EQ(desk_.state(), SetState::Detached);
}

TEST_F(ALentSet, ThatIsStillOpenStaysLentAndComesBackLater) {
    ASSERT_TRUE(kernel_.open_by_guest(gpu_));
    const Ticket early = desk_.reattach(gamescope.id);
    desk_.run_steps(1);
    EXPECT_EQ(kernel_.user_of("/dev/vfio/1"), 0U) << "nobody new may open it";
    desk_.send(event::JobEnded{PlanFailed{1, Error{Errc::InUse, "qemu has it open", 0}}});
    EXPECT_EQ(desk_.refusal(early), Errc::InUse);
    EXPECT_EQ(desk_.it.owner, gamescope);
    kernel_.close_by_guest(gpu_);
    desk_.reattach(gamescope.id);
    desk_.run_jobs();
    expect_untouched();
}

TEST_F(OneCard, OfTheAdministratorIsLentAndComesBackToHim) {
    detached_by(alice);
    const Ticket lent = desk_.lend(gamescope, bob);
    desk_.run_jobs();
    ASSERT_TRUE(desk_.succeeded(lent));
    EXPECT_EQ(kernel_.user_of("/dev/vfio/1"), bob);
    desk_.reattach(gamescope.id);
    desk_.run_jobs();
    EXPECT_EQ(desk_.it.owner, alice);
    EXPECT_EQ(desk_.state(), SetState::Detached);
    EXPECT_EQ(kernel_.user_of("/dev/vfio/1"), 0U);
}

TEST_F(OneCard, IsNotLentWhenItsUserCannotGetTheNodes) {
    detached_by(alice);
    std::filesystem::remove(kernel_.path() / "dev/vfio/1");
    const Ticket lent = desk_.lend(gamescope, bob);
    desk_.run_jobs();
    EXPECT_EQ(desk_.refusal(lent), Errc::Failed);
    EXPECT_EQ(desk_.it.owner, alice);
}

TEST(ALease, LastsWhileAnybodyHoldsACopy) {
    EventLoop loop;
    Leases leases(loop, [&](const std::string&) { loop.quit(0); });
    auto mine = leases.begin("a").value();
    UniqueFd copy(::dup(mine.get()));
    mine = UniqueFd();
    ASSERT_EQ(::write(copy.get(), "x", 1), 1) << "which nobody reads";
    const auto soon = loop.after(std::chrono::milliseconds(20), [&] { loop.quit(1); });
    EXPECT_EQ(loop.run(), 1);
    EXPECT_TRUE(leases.is_open("a"));
}

TEST(ALease, ThatIsClosedIsToldOnce) {
    EventLoop loop;
    std::vector<std::string> ended;
    Leases leases(loop, [&](const std::string& id) { ended.push_back(id); });
    auto mine = leases.begin("a").value();
    auto other = leases.begin("b").value();
    mine = UniqueFd();
    const auto soon = loop.after(std::chrono::milliseconds(50), [&] { loop.quit(0); });
    EXPECT_EQ(loop.run(), 0);
    EXPECT_THAT(ended, ElementsAre("a"));
    EXPECT_FALSE(leases.is_open("a"));
    EXPECT_TRUE(leases.is_open("b"));
    EXPECT_NE(Leases::new_id(), Leases::new_id());
}

TEST(Leases, OfOneUserAreNoMoreThanSome) {
    std::map<Bdf, SetEntry> sets;
    const auto add = [&]() -> Assignment& {
        return sets[Bdf{0, static_cast<std::uint8_t>(sets.size() + 1), 0, 0}].assignment;
    };
    for (std::size_t i = 0; i < most_leases_of_a_user - 1; ++i) {
        Assignment& it = add();
        it.owner = gamescope;
        it.lent_to = bob;
    }
    add().owner = win11;
    EXPECT_TRUE(may_borrow(bob, sets));
    event::DetachWanted waits;
    waits.wishes.user = bob;
    sets.rbegin()->second.assignment.queue.push_back({waits, {}});
    const auto refused = may_borrow(bob, sets);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::LimitsExceeded);
    EXPECT_TRUE(may_borrow(bob + 1, sets));
}

}  // namespace
}  // namespace passthru
