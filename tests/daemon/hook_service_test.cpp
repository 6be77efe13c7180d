// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hook_service.hpp"

#include "tests/daemon/ring_world.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <sys/mman.h>

namespace passthru {
namespace {

using fakes::Fault;
using fakes::operator""_bdf;
using testing::HasSubstr;
using testing::IsEmpty;

using AHook = TwoCards;

TEST_F(AHook, TakesAllSetsOfADomainAndGivesThemBack) {
    EXPECT_TRUE(answer(prepare(win11, {first_, first_audio_, second_})).succeeded());
    for (const Bdf& set : {first_, second_}) {
        EXPECT_EQ(kernel_.driver_of(set), "vfio-pci");
        EXPECT_EQ(entry(set).assignment.owner, win11);
    }
    EXPECT_TRUE(answer(release(win11)).succeeded());
    EXPECT_EQ(difference_to_start(), "");
}

TEST_F(AHook, GivesBackTheOthersBeforeItSaysThatOneFailed) {
    kernel_.plan_fault("drivers_probe", second_, Fault::NoEffect);
    const Asked refused = answer(prepare(win11, {first_, second_}));
    ASSERT_TRUE(refused.refusal);
    EXPECT_EQ(refused.refusal->code, Errc::BindFailed);
    EXPECT_THAT(refused.refusal->message, HasSubstr("0000:02:00.0"));
    EXPECT_EQ(difference_to_start(), "");
    EXPECT_EQ(entry(first_).assignment.owner, host);
    EXPECT_EQ(entry(second_).assignment.owner, host);
}

TEST_F(AHook, LeavesTheSetOfAnotherDomainToIt) {
    ASSERT_TRUE(answer(prepare(games, {second_})).succeeded());
    const Asked refused = answer(prepare(win11, {first_, second_}));
    ASSERT_TRUE(refused.refusal);
    EXPECT_EQ(refused.refusal->code, Errc::Busy);
    EXPECT_THAT(refused.refusal->message, HasSubstr("games"));
    EXPECT_EQ(kernel_.driver_of(first_), "nouveau");
    EXPECT_EQ(entry(second_).assignment.owner, games);
    EXPECT_TRUE(answer(release(win11)).succeeded());
    EXPECT_EQ(kernel_.driver_of(second_), "vfio-pci");
}

TEST_F(AHook, IsNotHeldUpByAStuckSetOfAnotherDomain) {
    start(std::chrono::seconds(1));
    kernel_.plan_fault("unbind", second_, Fault::Block);
    const Asked refused = answer(prepare(games, {first_, second_}));
    ASSERT_TRUE(refused.refusal);
    EXPECT_EQ(refused.refusal->code, Errc::Stuck);
    EXPECT_EQ(kernel_.driver_of(first_), "nouveau");
    EXPECT_TRUE(answer(prepare(win11, {first_})).succeeded());
}

TEST_F(AHook, LetsADomainWithoutAGpuStart) {
    EXPECT_TRUE(prepare(win11, {})->succeeded()) << "at once";
    EXPECT_TRUE(prepare(win11, {"00:1f.0"_bdf})->succeeded());
    EXPECT_TRUE(prepare(win11, {"00:1f.0"_bdf, "09:00.0"_bdf})->succeeded())
        << "that is for libvirt to say";
    EXPECT_THAT(kernel_.writes(), IsEmpty());
}

TEST_F(AHook, RefusesAGpuBesideAFunctionThatIsNotThere) {
    const Asked refused = answer(prepare(win11, {first_, "09:00.0"_bdf}));
    ASSERT_TRUE(refused.refusal);
    EXPECT_EQ(refused.refusal->code, Errc::NoSuchGpu);
    EXPECT_THAT(refused.refusal->message, HasSubstr("0000:09:00.0"));
    EXPECT_THAT(kernel_.writes(), IsEmpty());
}

TEST_F(AHook, HasNothingToReleaseForADomainThatOwnsNothing) {
    EXPECT_TRUE(release(win11)->succeeded()) << "at once";
}

TEST_F(AHook, SaysAtReleaseThatTheGpuDidNotComeBack) {
    ASSERT_TRUE(answer(prepare(win11, {first_, second_})).succeeded());
    kernel_.plan_fault("drivers_probe", first_, Fault::NoEffect, 0);
    const Asked failed = answer(release(win11));
    ASSERT_TRUE(failed.refusal);
    EXPECT_EQ(failed.refusal->code, Errc::BindFailed);
    EXPECT_EQ(kernel_.driver_of(second_), "amdgpu") << "the other one is back";
}

TEST_F(AHook, RefusesAVmWhoseGpuHasBecomeADiskUntilThatIsForgotten) {
    ASSERT_TRUE(answer(prepare(win11, {first_})).succeeded());
    ASSERT_TRUE(answer(release(win11)).succeeded());
    kernel_.put("sys/bus/pci/devices/0000:01:00.0/class", "0x010802\n");
    ring_->refresh();
    const Asked refused = answer(prepare(win11, {first_}));
    ASSERT_TRUE(refused.refusal);
    EXPECT_EQ(refused.refusal->code, Errc::AddressChanged);
    EXPECT_TRUE(answer(prepare(games, {first_})).succeeded()) << "another VM had no GPU there";
    EXPECT_TRUE(DomainMemory(kernel_.path() / "state").forget(win11.name));
    EXPECT_TRUE(answer(prepare(win11, {first_})).succeeded());
}

class ADescriptor : public testing::Test {
protected:
    static UniqueFd memory(const std::string& text) {
        UniqueFd fd(::memfd_create("domain", MFD_CLOEXEC));
        EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
        return fd;
    }
};

TEST_F(ADescriptor, IsReadFromItsBeginning) {
    EXPECT_EQ(read_domain_xml(memory("<domain/>").get()).value(), "<domain/>");
}

TEST_F(ADescriptor, ThatCouldBlockIsRefused) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const UniqueFd reader(ends[0]);
    const UniqueFd writer(ends[1]);
    EXPECT_EQ(read_domain_xml(reader.get()).error().code, Errc::InvalidArgs);
    EXPECT_EQ(read_domain_xml(-1).error().code, Errc::InvalidArgs);
}

TEST_F(ADescriptor, WithMoreThanTheLimitIsRefused) {
    EXPECT_TRUE(read_domain_xml(memory(std::string(max_domain_xml, ' ')).get()));
    EXPECT_EQ(read_domain_xml(memory(std::string(max_domain_xml + 1, ' ')).get()).error().code,
              Errc::InvalidArgs);
}

}  // namespace
}  // namespace passthru
