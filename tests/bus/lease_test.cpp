// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bus/daemon_on_a_bus.hpp"

#include <csignal>
#include <gmock/gmock.h>

namespace passthru::bus_test {
namespace {

using fakes::Fault;
using fakes::operator""_bdf;
using testing::HasSubstr;

class ALease : public DaemonOnABus {
protected:
    static Answer lease(Client& client, const char* who = "gamescope") {
        return client.call({first_gpu, gpu_interface, "Lease"}, "ssa{sv}", who, "a game", 0);
    }
    void expect_all_is_back() {
        wait_for_state(first_gpu, "host");
        EXPECT_EQ(owner(first_gpu), "((\"host\", \"\", \"\"))");
        EXPECT_EQ(changes_of_the_machine(), "");
    }
};

TEST_F(ALease, KeepsTheGpuUntilItIsClosed) {
    const Answer answer = lease(*client_);
    ASSERT_TRUE(answer.ok()) << answer.text;
    EXPECT_THAT(answer.text, HasSubstr("[\"/dev/vfio/1\"]"));
    EXPECT_EQ(state(first_gpu), "(\"detached\")");
    EXPECT_THAT(owner(first_gpu), HasSubstr("\"lease\""));
    EXPECT_THAT(owner(first_gpu), HasSubstr("\"gamescope\""));
    client_->descriptors.clear();
    expect_all_is_back();
}

TEST_F(ALease, RefusesEverybodyElseByName) {
    ASSERT_TRUE(lease(*client_).ok());
    const Answer start = notify("prepare", "begin", domain_with({1}));
    EXPECT_EQ(start.error, "org.passthru1.Error.Busy");
    EXPECT_THAT(start.text, HasSubstr("the lease of gamescope"));
    EXPECT_EQ(lease(*client_, "another").error, "org.passthru1.Error.Busy");
    EXPECT_EQ(reattach(first_gpu).error, "org.passthru1.Error.Busy");
    EXPECT_TRUE(notify("prepare", "begin", domain_with({2})).ok()) << "the other card";
}

TEST_F(ALease, EndsWithItsClient) {
    auto leaver = std::make_unique<Client>(bus_.address());
    ASSERT_TRUE(lease(*leaver).ok());
    leaver.reset();
    expect_all_is_back();
}

TEST_F(ALease, OfAClientThatLeavesInTheMiddleIsNone) {
    kernel_.plan_fault("unbind", "01:00.0"_bdf, Fault::Block);
    auto leaver = std::make_unique<Client>(bus_.address());
    leaver->start({first_gpu, gpu_interface, "Lease"}, "ssa{sv}", "gamescope", "a game", 0);
    wait_for_a_blocked_write();
    leaver.reset();
    kernel_.unblock();
    expect_all_is_back();
}

TEST_F(ALease, ThatNobodyKeptOverARestartIsEnded) {
    ASSERT_TRUE(lease(*client_).ok());
    EXPECT_EQ(end(SIGKILL), -SIGKILL);
    start();
    expect_all_is_back();
}

TEST_F(ALease, WhoseProgramStillUsesTheCardWaitsForIt) {
    ASSERT_TRUE(lease(*client_).ok());
    ASSERT_TRUE(kernel_.open_by_guest("01:00.0"_bdf));
    client_->descriptors.clear();
    ASSERT_TRUE(client_->wait_to_hear("ReleaseRequested"));
    EXPECT_THAT(owner(first_gpu), HasSubstr("\"lease\""));
    kernel_.close_by_guest("01:00.0"_bdf);
    expect_all_is_back();
}

TEST_F(ALease, HasANameThatFitsIntoALine) {
    for (const std::string& name :
         {std::string(), std::string("two\nlines"), std::string(129, 'a')}) {
        EXPECT_EQ(lease(*client_, name.c_str()).error, invalid_args);
    }
    EXPECT_EQ(state(first_gpu), "(\"host\")");
}

}  // namespace
}  // namespace passthru::bus_test
