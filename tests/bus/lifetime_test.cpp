// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bus/daemon_on_a_bus.hpp"
#include "tests/fakes/process.hpp"

#include <csignal>
#include <filesystem>
#include <gmock/gmock.h>

namespace passthru::bus_test {
namespace {

using fakes::Fault;
using fakes::operator""_bdf;
using testing::HasSubstr;
using testing::IsEmpty;

using Passthrud = DaemonOnABus;

TEST_F(Passthrud, NeitherTakesTheNameOfAnotherNorGoesOnWithItsWork) {
    kernel_.plan_fault("unbind", "01:00.0"_bdf, Fault::Block);
    const auto pending = start_detach(first_gpu);
    wait_for_a_blocked_write();
    const auto journal = [&] {
        return read_attribute(kernel_.path() / "run/sets/0000_01_00_0.json");
    };
    const auto before = journal();
    ASSERT_TRUE(before);
    const auto second = fakes::run(command(), "", {"DBUS_SYSTEM_BUS_ADDRESS=" + bus_.address()});
    EXPECT_EQ(second.status, 1);
    EXPECT_THAT(second.err, HasSubstr("org.passthru1 cannot be had"));
    EXPECT_EQ(journal(), before);
    kernel_.unblock();
    EXPECT_TRUE(client_->wait(pending).ok());
    EXPECT_EQ(state(first_gpu), "(\"detached\")");
}

TEST_F(Passthrud, GoesOnWithoutAClientThatLeavesInTheMiddle) {
    kernel_.plan_fault("unbind", "01:00.0"_bdf, Fault::Block);
    auto leaver = std::make_unique<Client>(bus_.address());
    leaver->start({first_gpu, gpu_interface, "Detach"}, "a{sv}", 0);
    wait_for_a_blocked_write();
    leaver.reset();
    kernel_.unblock();
    wait_for_state(first_gpu, "detached");
    EXPECT_FALSE(client_->property("/org/passthru1/job/2", "org.passthru1.Job", "Kind").ok());
    EXPECT_TRUE(reattach(first_gpu).ok());
    EXPECT_EQ(changes_of_the_machine(), "");
}

TEST_F(Passthrud, BringsEverythingBackWhenItWasKilledInTheMiddle) {
    for (const char* hangs : {"01:00.1", "01:00.0"}) {
        SCOPED_TRACE(hangs);
        kernel_.plan_fault("unbind", parse_bdf_or_short(hangs).value(), Fault::Block);
        const auto pending = start_detach(first_gpu);
        wait_for_a_blocked_write();
        EXPECT_EQ(end(SIGKILL), -SIGKILL);
        EXPECT_EQ(client_->wait(pending).error, "org.freedesktop.DBus.Error.NoReply");
        start();
        EXPECT_EQ(state(first_gpu), "(\"reattaching\")");
        kernel_.unblock();
        wait_for_state(first_gpu, "host");
        EXPECT_EQ(changes_of_the_machine(), "");
        EXPECT_EQ(owner(first_gpu), "((\"host\", \"\", \"\"))");
    }
}

TEST_F(Passthrud, AnswersWhoeverWaitsWhenItIsStopped) {
    kernel_.plan_fault("unbind", "01:00.0"_bdf, Fault::Block);
    const auto pending = start_detach(first_gpu);
    wait_for_a_blocked_write();
    EXPECT_EQ(end(SIGTERM), 0);
    const Answer answer = client_->wait(pending);
    EXPECT_FALSE(answer.ok());
    EXPECT_THAT(answer.text, HasSubstr("passthrud is ending")) << answer.error;
    start();
    kernel_.unblock();
    wait_for_state(first_gpu, "host");
    EXPECT_EQ(changes_of_the_machine(), "");
}

TEST_F(Passthrud, LeavesARunningVmAloneWhenItIsRestarted) {
    ASSERT_TRUE(notify("prepare", "begin", domain_with({1})).ok());
    ASSERT_TRUE(kernel_.open_by_guest("01:00.0"_bdf));
    const std::string running = kernel_.dump();
    EXPECT_EQ(end(SIGTERM), 0);
    start();
    EXPECT_EQ(state(first_gpu), "(\"guest\")");
    ASSERT_TRUE(client_->wait_until([&] {
        return client_->property("/org/passthru1", manager, "LibvirtState").text ==
               "(\"connected\")";
    }));
    EXPECT_EQ(owner(first_gpu), std::string("((\"domain\", \"") + running_uuid + "\", \"test\"))");
    EXPECT_EQ(kernel_.dump(), running);
}

TEST_F(Passthrud, StartsWithADamagedJournal) {
    EXPECT_EQ(end(SIGTERM), 0);
    kernel_.put("run/sets/0000_01_00_0.json", "{");
    start();
    EXPECT_EQ(state(first_gpu), "(\"host\")");
    EXPECT_THAT(log(), HasSubstr("is set aside"));
}

TEST_F(Passthrud, LeavesNoJournalWhenAllIsAtRest) {
    ASSERT_TRUE(detach(first_gpu).ok());
    EXPECT_FALSE(std::filesystem::is_empty(kernel_.path() / "run/sets"));
    ASSERT_TRUE(reattach(first_gpu).ok());
    EXPECT_TRUE(std::filesystem::is_empty(kernel_.path() / "run/sets"));
}

TEST_F(Passthrud, ReadsTheMachineAgainWhenItIsToldBySignal) {
    kernel_.unplug("02:00.0"_bdf);
    kernel_.unplug("02:00.1"_bdf);
    ::kill(passthrud_, SIGHUP);
    EXPECT_TRUE(client_->wait_to_hear("InterfacesRemoved (\"/org/passthru1/gpu/0000_02_00_0\""));
}

}  // namespace
}  // namespace passthru::bus_test
