// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/assignment.hpp"

#include "tests/daemon/one_card.hpp"

#include <gmock/gmock.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::HasSubstr;

using ASet = OneCard;

TEST_F(ASet, GoesToTheDomainAndBack) {
    const Ticket start = desk_.detach(win11);
    EXPECT_EQ(state_name(desk_.it, desk_.state()), "detaching");
    EXPECT_FALSE(desk_.answer(start)) << "before the move";
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(start));
    EXPECT_EQ(desk_.state(), SetState::Detached);
    EXPECT_EQ(desk_.it.owner, win11);
    ASSERT_TRUE(desk_.saved);
    EXPECT_EQ(desk_.saved->phase, Phase::Idle);

    const Ticket stop = desk_.reattach(win11.id);
    EXPECT_EQ(state_name(desk_.it, desk_.state()), "reattaching");
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(stop));
    EXPECT_EQ(desk_.it.owner, host);
    EXPECT_FALSE(desk_.saved);
    EXPECT_EQ(difference(untouched_, kernel_.dump()), "");
}

TEST_F(ASet, IsInTheJournalBeforeTheJobStarts) {
    desk_.detach(win11);
    ASSERT_TRUE(desk_.saved);
    EXPECT_EQ(desk_.saved->phase, Phase::Detaching);
    EXPECT_EQ(desk_.saved->record.size(), 2U);
}

TEST_F(ASet, OfADomainAnswersItsSecondStartAtOnce) {
    desk_.detach(win11);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(desk_.detach(win11)));
    EXPECT_EQ(desk_.started, 1);
}

TEST_F(ASet, OfADomainIsRefusedToAnotherByName) {
    desk_.detach(win11);
    desk_.run_jobs();
    const Ticket second = desk_.detach(games);
    EXPECT_EQ(desk_.refusal(second), Errc::Busy);
    EXPECT_THAT(desk_.message(second), HasSubstr("the VM “win11”"));
    EXPECT_EQ(desk_.refusal(desk_.reattach()), Errc::Busy)
        << "an administrator must not pull it from a VM";
    EXPECT_EQ(desk_.it.owner, win11);
}

TEST_F(ASet, OfADomainIgnoresTheReleaseOfAnother) {
    desk_.detach(win11);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(desk_.reattach(games.id)));
    EXPECT_EQ(desk_.state(), SetState::Detached);
    EXPECT_EQ(desk_.it.owner, win11);
}

TEST_F(ASet, ThatMovesForOneIsRefusedToAnotherAndNamesTheOne) {
    desk_.detach(alice);
    const Ticket second = desk_.detach(win11);
    EXPECT_EQ(desk_.refusal(second), Errc::Busy);
    EXPECT_THAT(desk_.message(second), HasSubstr("is being moved for the administrator alice"));
}

TEST_F(ASet, ThatMovesForOneAnswersAllThatHeAsked) {
    const Ticket first = desk_.detach(win11);
    const Ticket again = desk_.detach(win11);
    EXPECT_EQ(desk_.started, 1);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(first));
    EXPECT_TRUE(desk_.succeeded(again));
}

TEST_F(ASet, OnTheHostHasNothingToGiveBack) {
    EXPECT_TRUE(desk_.succeeded(desk_.reattach()));
    EXPECT_TRUE(desk_.succeeded(desk_.reattach(win11.id)));
    EXPECT_EQ(desk_.started, 0);
}

TEST_F(ASet, OfTheAdministratorGoesToAVmAndBackToHimDetached) {
    desk_.detach(alice);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(desk_.detach(win11)));
    EXPECT_EQ(desk_.it.owner, win11);
    const Ticket stopped = desk_.reattach(win11.id);
    EXPECT_EQ(desk_.it.phase, Phase::Resetting);
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(stopped));
    EXPECT_EQ(desk_.it.owner, alice);
    EXPECT_EQ(desk_.state(), SetState::Detached);
    EXPECT_FALSE(kernel_.resets().empty()) << "the next VM gets it as the first one did";
    const Ticket back = desk_.reattach();
    desk_.run_jobs();
    EXPECT_TRUE(desk_.succeeded(back));
    EXPECT_EQ(difference(untouched_, kernel_.dump()), "");
}

TEST_F(ASet, ThatAnotherToolGaveBackIsNotTheAdministratorsAnyMore) {
    desk_.detach(alice);
    desk_.run_jobs();
    for (const Bdf& bdf : {"01:00.0"_bdf, "01:00.1"_bdf})
        kernel_.put("sys/bus/pci/devices/" + bdf.str() + "/driver_override", "(null)\n");
    kernel_.move("01:00.0"_bdf, "nouveau");
    kernel_.move("01:00.1"_bdf, "snd_hda_intel");
    desk_.send(event::MachineChanged{});
    EXPECT_EQ(desk_.it.owner, host);
    EXPECT_TRUE(desk_.it.record.empty());
    EXPECT_FALSE(desk_.saved);
}

TEST_F(ASet, ThatWasUnpluggedASecondAgoIsRefused) {
    kernel_.unplug("01:00.0"_bdf);
    kernel_.unplug("01:00.1"_bdf);
    EXPECT_EQ(desk_.refusal(desk_.detach(win11)), Errc::NoSuchGpu);
    EXPECT_EQ(desk_.it.owner, host);
}

TEST_F(ASet, OfADomainThatIsUnpluggedIsFreeWhenTheDomainEnds) {
    desk_.detach(win11);
    desk_.run_jobs();
    kernel_.unplug("01:00.0"_bdf);
    kernel_.unplug("01:00.1"_bdf);
    desk_.send(event::MachineChanged{});
    EXPECT_EQ(desk_.it.owner, win11);
    EXPECT_TRUE(desk_.succeeded(desk_.reattach(win11.id)));
    EXPECT_EQ(desk_.it.owner, host);
    EXPECT_FALSE(desk_.saved);
}

class ASetBoundForVfioAtBoot : public testing::Test {
protected:
    const FakeKernel kernel_{R"(
        01:00.0 0300 10de:2489 group 1 driver vfio-pci override vfio-pci
        01:00.1 0403 10de:228b group 1 driver vfio-pci override vfio-pci
    )"};
    Desk desk_{kernel_, "01:00.0"_bdf};
};

TEST_F(ASetBoundForVfioAtBoot, IsShownAsTheAdministratorsAndNotGivenBack) {
    EXPECT_EQ(shown_owner(desk_.it, desk_.state()).kind, OwnerKind::Administrator);
    EXPECT_EQ(desk_.refusal(desk_.reattach()), Errc::NotOwner);
}

TEST_F(ASetBoundForVfioAtBoot, ServesADomainWithoutAMove) {
    const std::string before = kernel_.dump();
    EXPECT_TRUE(desk_.succeeded(desk_.detach(win11)));
    EXPECT_TRUE(desk_.succeeded(desk_.reattach(win11.id)));
    EXPECT_EQ(desk_.started, 0);
    EXPECT_EQ(difference(before, kernel_.dump()), "");
}

TEST_F(ASetBoundForVfioAtBoot, IsRefusedWhileAVmThatWeDoNotKnowHasIt) {
    ASSERT_TRUE(kernel_.open_by_guest("01:00.0"_bdf));
    EXPECT_EQ(desk_.refusal(desk_.detach(win11)), Errc::Busy);
}

TEST(APhase, KeepsItsNameThroughTheJournal) {
    for (const Phase phase : {Phase::Idle, Phase::Detaching, Phase::Undoing, Phase::Reattaching,
                              Phase::Stuck, Phase::Failed}) {
        EXPECT_EQ(phase_from_name(phase_name(phase)), phase) << phase_name(phase);
    }
    EXPECT_EQ(phase_from_name("hibernating"), std::nullopt);
}

TEST(AnOwner, KeepsItsNameThroughTheJournal) {
    for (const OwnerKind kind :
         {OwnerKind::Host, OwnerKind::Domain, OwnerKind::Lease, OwnerKind::Administrator}) {
        EXPECT_EQ(owner_kind_from_name(owner_kind_name(kind)), kind) << owner_kind_name(kind);
    }
    EXPECT_EQ(owner_kind_from_name("container"), OwnerKind::Host);
}

TEST(AnOwner, IsDescribedForASentence) {
    EXPECT_EQ(describe(host), "the host");
    EXPECT_EQ(describe(win11), "the VM “win11”");
    EXPECT_EQ(describe(alice), "the administrator alice");
    EXPECT_EQ(describe(Owner{OwnerKind::Administrator, "", ""}),
              "the administrator or another program");
    EXPECT_EQ(describe(Owner{OwnerKind::Lease, "7", "gamescope"}), "the lease of gamescope");
}

}  // namespace
}  // namespace passthru
