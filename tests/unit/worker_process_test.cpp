// SPDX-License-Identifier: LGPL-2.1-or-later
// passthru-fake-worker as the daemon uses it: a process that takes one plan from a socket.
#include "libpassthru/plan/findings_json.hpp"
#include "libpassthru/safety/running_process.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::Fault;
using fakes::operator""_bdf;

class AWorkerProcess : public testing::Test {
protected:
    void start() {
        int pair[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        socket_ = pair[0];
        const std::string root = kernel_.path().string();
        process_ = ::fork();
        ASSERT_GE(process_, 0);
        if (process_ == 0) {
            ::dup2(pair[1], STDIN_FILENO);
            ::execl(PASSTHRU_FAKE_WORKER, "passthru-fake-worker", "--root", root.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(pair[1]);
    }

    void send(const std::string& text) const {
        ASSERT_EQ(::send(socket_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    }

    /// The next message, empty when the worker has hung up.
    [[nodiscard]] std::string receive() const {
        char buffer[4096];
        const ssize_t got = ::recv(socket_, buffer, sizeof buffer, 0);
        return {buffer, got > 0 ? static_cast<std::size_t>(got) : 0};
    }

    int exit_status() {
        int status = 0;
        ::waitpid(process_, &status, 0);
        process_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    void TearDown() override {
        if (socket_ >= 0) ::close(socket_);
        if (process_ > 0) {
            ::kill(process_, SIGKILL);
            exit_status();
        }
    }

    const Bdf gpu_ = "01:00.0"_bdf;
    const Plan plan_{PlanKind::Detach,
                     {step::SetOverride{gpu_, {}, "vfio-pci"}, step::Unbind{gpu_, "nouveau"},
                      step::Probe{gpu_, "vfio-pci"}}};
    const FakeKernel kernel_{"01:00.0 0300 10de:2489 group 1 driver nouveau"};
    int socket_ = -1;
    pid_t process_ = -1;
};

TEST_F(AWorkerProcess, RunsItsPlanReportsEachStepAndExits) {
    start();
    send(plan_to_text(plan_));
    const auto first = report_from_text(receive());
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(std::get<Started>(*first).process.pid, process_);
    EXPECT_EQ(std::get<Started>(*first).process.started, start_time(Root("/"), process_));
    for (std::size_t index = 0; index < plan_.steps.size(); ++index) {
        EXPECT_EQ(receive(), report_to_text(StepDone{index}));
    }
    EXPECT_EQ(receive(), report_to_text(PlanDone{}));
    EXPECT_EQ(receive(), "");
    EXPECT_EQ(exit_status(), 0);
    EXPECT_EQ(kernel_.driver_of(gpu_), "vfio-pci");
}

TEST_F(AWorkerProcess, TakesWhatIsNoPlanForAnError) {
    start();
    send("{\"plan\":\"explode\"}");
    const auto report = report_from_text(receive());
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(std::get<PlanFailed>(*report).error.code, Errc::InvalidArgs);
    EXPECT_EQ(exit_status(), 1);
}

TEST_F(AWorkerProcess, ReadsOverridesAndLeavesOutWhatIsGone) {
    const auto overrides = [&] {
        start();
        send(override_request_to_text({gpu_, "05:00.0"_bdf}));
        auto answer = overrides_from_text(receive());
        ::close(socket_);
        EXPECT_EQ(exit_status(), 0);
        return answer;
    };
    EXPECT_EQ(overrides(), (OverrideMap{{gpu_, std::nullopt}}));
    kernel_.put("sys/bus/pci/devices/0000:01:00.0/driver_override", "vfio-pci\n");
    EXPECT_EQ(overrides(), (OverrideMap{{gpu_, "vfio-pci"}}));
    socket_ = -1;
}

TEST_F(AWorkerProcess, TellsWhereInTheKernelAnotherOneWaits) {
    kernel_.put("proc/4321/stack",
                "[<0>] msleep+0x2d/0x40\n[<0>] nv_pci_remove+0x12/0x3f [nvidia]\n");
    kernel_.put("proc/4322/wchan", "drm_dev_unplug");
    kernel_.put("proc/4323/wchan", "0");
    const auto place = [&](pid_t pid) {
        start();
        send(wait_request_to_text(pid));
        const auto answer = wait_place_from_text(receive());
        ::close(socket_);
        EXPECT_EQ(exit_status(), 0);
        return answer.value_or("none");
    };
    EXPECT_EQ(place(4321), "msleep ← nv_pci_remove");
    EXPECT_EQ(place(4322), "drm_dev_unplug");
    EXPECT_EQ(place(4323), "");
    EXPECT_EQ(place(4324), "");
    socket_ = -1;
}

TEST_F(AWorkerProcess, ExitsWhenTheDaemonHangsUp) {
    start();
    ::close(socket_);
    socket_ = -1;
    EXPECT_EQ(exit_status(), 0);
}

TEST_F(AWorkerProcess, RunsItsPlanToTheEndThoughTheDaemonHungUp) {
    kernel_.plan_fault("unbind", gpu_, Fault::Block);
    start();
    send(plan_to_text(plan_));
    while (!kernel_.has_blocked_write()) std::this_thread::yield();
    ::close(socket_);
    socket_ = -1;
    kernel_.unblock();
    EXPECT_EQ(exit_status(), 0);
    EXPECT_EQ(kernel_.driver_of(gpu_), "vfio-pci");
}

TEST_F(AWorkerProcess, StopsBetweenTwoStepsWhenItIsToldTo) {
    kernel_.plan_fault("unbind", gpu_, Fault::Block);
    start();
    send(plan_to_text(plan_));
    while (!kernel_.has_blocked_write()) std::this_thread::yield();
    send("stop");
    kernel_.unblock();
    std::ignore = receive();  // who it is
    EXPECT_EQ(receive(), report_to_text(StepDone{0}));
    EXPECT_EQ(receive(), report_to_text(StepDone{1}));
    const auto report = report_from_text(receive());
    ASSERT_TRUE(report.has_value());
    EXPECT_EQ(std::get<PlanFailed>(*report).error.code, Errc::Cancelled);
    EXPECT_EQ(std::get<PlanFailed>(*report).index, 2U);
    EXPECT_EQ(kernel_.driver_of(gpu_), std::nullopt);
}

TEST_F(AWorkerProcess, LeavesTheMachineAsItWasAtTheWriteThatItWasKilledIn) {
    kernel_.plan_fault("drivers_probe", gpu_, Fault::Block);
    start();
    send(plan_to_text(plan_));
    while (!kernel_.has_blocked_write()) std::this_thread::yield();
    ::kill(process_, SIGKILL);
    EXPECT_EQ(exit_status(), -1);
    EXPECT_EQ(kernel_.driver_of(gpu_), std::nullopt);
    EXPECT_EQ(kernel_.attribute(gpu_, "driver_override"), "vfio-pci");
}

}  // namespace
}  // namespace passthru
