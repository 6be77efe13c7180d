// SPDX-License-Identifier: LGPL-2.1-or-later
// What libvirt's hook says to passthrud.
#include "libpassthru/hostdev/domain_xml.hpp"
#include "tests/bus/daemon_on_a_bus.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

namespace passthru::bus_test {
namespace {

using fakes::Fault;
using fakes::operator""_bdf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* other_uuid = "c1a4f3d2-0000-4000-8000-000000000001";

using Notify = DaemonOnABus;

TEST_F(Notify, TakesTheGpuForAStartAndGivesItBackAtTheEnd) {
    EXPECT_TRUE(notify("prepare", "begin", domain_with({1})).ok());
    EXPECT_EQ(state(first_gpu), "(\"detached\")");
    EXPECT_EQ(owner(first_gpu), std::string("((\"domain\", \"") + running_uuid + "\", \"test\"))");
    EXPECT_EQ(reattach(first_gpu).error, "org.passthru1.Error.Busy");
    EXPECT_TRUE(notify("release", "end", domain_with({1})).ok());
    EXPECT_EQ(changes_of_the_machine(), "");
}

TEST_F(Notify, TakesAllGpusOrNone) {
    EXPECT_TRUE(notify("prepare", "begin", domain_with({1, 2})).ok());
    EXPECT_EQ(state(second_gpu), "(\"detached\")");
    EXPECT_TRUE(notify("release", "end", domain_with({1, 2})).ok());
    kernel_.plan_fault("drivers_probe", "02:00.0"_bdf, Fault::NoEffect);
    EXPECT_EQ(notify("prepare", "begin", domain_with({1, 2})).error,
              "org.passthru1.Error.BindFailed");
    EXPECT_EQ(changes_of_the_machine(), "");
    EXPECT_EQ(owner(first_gpu), "((\"host\", \"\", \"\"))");
}

TEST_F(Notify, IgnoresWhatConcernsNoGpu) {
    EXPECT_TRUE(notify("started", "begin", "no XML at all").ok());
    EXPECT_TRUE(notify("prepare", "end", "no XML at all").ok());
    EXPECT_TRUE(notify("reconnect", "begin", "no XML at all").ok());
    EXPECT_TRUE(notify("prepare", "begin", domain_with({})).ok());
    EXPECT_TRUE(notify("release", "end", domain_with({1})).ok());
    EXPECT_THAT(kernel_.writes(), IsEmpty());
}

TEST_F(Notify, RefusesAUuidThatIsNotTheXmls) {
    EXPECT_EQ(notify("prepare", "begin", domain_with({1}), other_uuid).error, invalid_args);
    EXPECT_THAT(kernel_.writes(), IsEmpty());
}

TEST_F(Notify, RefusesWhatIsNoDomain) {
    for (const char* text : {"", "<domain", "<network/>", "\xff\xfe"}) {
        EXPECT_EQ(notify("prepare", "begin", text).error, invalid_args) << text;
    }
    EXPECT_EQ(notify("prepare", "begin", domain_with({1}) + std::string(max_domain_xml, ' ')).error,
              invalid_args);
    EXPECT_EQ(notify(std::string(1025, 'p').c_str(), "begin", domain_with({1})).error,
              invalid_args);
    EXPECT_THAT(kernel_.writes(), IsEmpty());
}

TEST_F(Notify, DoesNotWaitForAPipe) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const Answer answer =
        client_->call({"/org/passthru1", "org.passthru1.LibvirtHook", "Notify"}, "sssssha{sv}",
                      running_uuid, "test", "prepare", "begin", "-", ends[0], 0);
    ::close(ends[0]);
    ::close(ends[1]);
    EXPECT_EQ(answer.error, invalid_args);
    EXPECT_THAT(answer.text, HasSubstr("as a file"));
}

TEST_F(Notify, GivesBackTheGpuOfADomainThatEndedWithoutItsHook) {
    ASSERT_TRUE(client_->wait_until([&] {
        return client_->property("/org/passthru1", manager, "LibvirtState").text ==
               "(\"connected\")";
    }));
    ASSERT_TRUE(notify("prepare", "begin", domain_with({1}, other_uuid), other_uuid).ok());
    // libvirt does not know it; it is asked when it was started anew.
    EXPECT_TRUE(notify("reconnect", "begin", domain_with({1})).ok());
    ASSERT_TRUE(client_->wait_to_hear(
        "(\"domain\", \"c1a4f3d2-0000-4000-8000-000000000001\", \"test\"), (\"host\""));
    wait_for_state(first_gpu, "host");
    EXPECT_EQ(changes_of_the_machine(), "");
}

}  // namespace
}  // namespace passthru::bus_test
