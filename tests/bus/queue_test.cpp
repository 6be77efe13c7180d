// SPDX-License-Identifier: LGPL-2.1-or-later
// Waiting for a GPU that another one has.
#include "tests/bus/daemon_on_a_bus.hpp"
#include "tests/bus/fake_polkit.hpp"
#include "tests/bus/ordinary_user.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <unistd.h>

namespace passthru::bus_test {
namespace {

using testing::HasSubstr;

constexpr const char* empty = "([])";

class AWaitingRequest : public DaemonOnABus {
protected:
    void SetUp() override {
        ASSERT_TRUE(
            client_->call({first_gpu, gpu_interface, "Lease"}, "ssa{sv}", "gamescope", "a game", 0)
                .ok());
        // Of the lease's own job.
        client_->heard.clear();
    }
    static Client::Pending wait_in_line(Client& client, std::uint32_t seconds) {
        return client.start({first_gpu, gpu_interface, "Detach"}, "a{sv}", 1, "queue", "u",
                            seconds);
    }
    [[nodiscard]] std::string queue() {
        return client_->property(first_gpu, gpu_interface, "Queue").text;
    }
    [[nodiscard]] bool wait_for_queue(const std::string& part) {
        return client_->wait_until([&] { return queue().contains(part); });
    }
    /// The object of the only wait.
    [[nodiscard]] std::string job() {
        const std::string text = queue();
        const std::size_t begin = text.find("/org/passthru1/job/");
        return begin == std::string::npos ? "" : text.substr(begin, text.find('"', begin) - begin);
    }
};

TEST_F(AWaitingRequest, IsShownAndGetsTheGpuInTheEnd) {
    Client other(bus_.address());
    const auto pending = wait_in_line(other, 60);
    ASSERT_TRUE(wait_for_queue("\"administrator\"")) << queue();
    EXPECT_THAT(queue(), HasSubstr("\"limit\", 60"));
    EXPECT_EQ(client_->property(job(), "org.passthru1.Job", "Kind").text, "(\"wait\")");
    EXPECT_THAT(client_->property(job(), "org.passthru1.Job", "StepName").text,
                HasSubstr("wait for the lease of gamescope"));
    client_->descriptors.clear();
    EXPECT_TRUE(other.wait(pending).ok());
    EXPECT_EQ(queue(), empty);
    EXPECT_THAT(owner(first_gpu), HasSubstr("\"administrator\""));
    EXPECT_EQ(kernel_.driver_of(*parse_bdf("0000:01:00.0")), "vfio-pci");
}

TEST_F(AWaitingRequest, IsRefusedWhenItsTimeIsOver) {
    const Answer answer = client_->wait(wait_in_line(*client_, 1));
    EXPECT_EQ(answer.error, "org.passthru1.Error.TimedOut");
    EXPECT_THAT(answer.text, HasSubstr("waited 1 s: "));
    EXPECT_THAT(answer.text, HasSubstr("the lease of gamescope"));
    EXPECT_EQ(queue(), empty);
}

TEST_F(AWaitingRequest, CanBeCancelled) {
    Client other(bus_.address());
    const auto pending = wait_in_line(other, 60);
    ASSERT_TRUE(wait_for_queue("administrator"));
    EXPECT_TRUE(client_->call({job(), "org.passthru1.Job", "Cancel"}, "a{sv}", 0).ok());
    EXPECT_EQ(other.wait(pending).error, "org.passthru1.Error.Cancelled");
    EXPECT_EQ(queue(), empty);
    EXPECT_TRUE(client_->wait_to_hear("Completed"));
}

TEST_F(AWaitingRequest, OfAClientThatLeavesIsNone) {
    auto leaver = std::make_unique<Client>(bus_.address());
    wait_in_line(*leaver, 60);
    ASSERT_TRUE(wait_for_queue("administrator"));
    leaver.reset();
    EXPECT_TRUE(client_->wait_until([&] { return queue() == empty; })) << queue();
    client_->descriptors.clear();
    wait_for_state(first_gpu, "host");
}

TEST_F(AWaitingRequest, OfAClientThatLeftBeforePolkitAnsweredIsNone) {
    if (::getuid() != 0) GTEST_SKIP() << "only root can become another user";
    const FakePolkit polkit(bus_.address(), Verdict::YesOnceHeHasLeft);
    std::ignore = as_nobody([&] {
        Client leaver(bus_.address());
        wait_in_line(leaver, 60);
        std::ignore = leaver.property("/org/passthru1", manager, "Version");
        return std::string();
    });
    EXPECT_TRUE(client_->wait_to_hear("Completed"));
    EXPECT_EQ(queue(), empty);
}

TEST_F(AWaitingRequest, HasALimit) {
    for (const std::uint32_t seconds : {0U, 121U}) {
        EXPECT_EQ(client_->wait(wait_in_line(*client_, seconds)).error, invalid_args);
    }
}

TEST_F(AWaitingRequest, OfAVmIsForTheConfigurationToGrant) {
    kernel_.put("etc/passthrud/passthrud.conf", "[gpu.\"*\"]\nboot-gpu = \"allow\"\nqueue = 1\n");
    ASSERT_EQ(::kill(passthrud_, SIGHUP), 0);
    ASSERT_TRUE(client_->wait_until([&] {
        return notify("prepare", "begin", domain_with({1})).error == "org.passthru1.Error.TimedOut";
    }));
    EXPECT_TRUE(notify("prepare", "begin", domain_with({2})).ok()) << "the other card";
}

}  // namespace
}  // namespace passthru::bus_test
