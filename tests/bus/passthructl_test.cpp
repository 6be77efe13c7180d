// SPDX-License-Identifier: LGPL-2.1-or-later
// passthructl and the real passthrud, on a bus of their own.
#include "tests/bus/daemon_on_a_bus.hpp"
#include "tests/bus/exit_status.hpp"
#include "tests/fakes/process.hpp"
#include "tests/fakes/terminal.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace passthru::bus_test {
namespace {

using fakes::Fault;
using fakes::Running;
using fakes::operator""_bdf;
using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Words = std::vector<std::string>;

class Passthructl : public DaemonOnABus {
protected:
    static Words command(const Words& words) {
        Words all{PASSTHRUCTL};
        all.insert(all.end(), words.begin(), words.end());
        return all;
    }
    fakes::Ended run(const Words& words) const {
        return fakes::run(command(words), "", {"DBUS_SYSTEM_BUS_ADDRESS=" + bus_.address()});
    }
    json answer(Words words) const {
        words.emplace_back("--json");
        const fakes::Ended ended = run(words);
        return json::parse(ended.out, nullptr, false);
    }
    /// A detach of the first GPU in a terminal, while its second step hangs.
    Running hanging_detach() {
        kernel_.plan_fault("unbind", "01:00.0"_bdf, Fault::Block);
        return Running(command({"detach", "01:00.0"}), Running::Output::Terminal);
    }
};

TEST_F(Passthructl, ListsWhatPassthrudKnows) {
    ASSERT_TRUE(detach(first_gpu).ok());
    const json gpus = answer({"list"})["gpus"];
    ASSERT_EQ(gpus.size(), 2U);
    EXPECT_EQ(gpus[0]["address"], "0000:01:00.0");
    EXPECT_EQ(gpus[0]["class"], "0300");
    EXPECT_EQ(gpus[0]["driver"], "vfio-pci");
    EXPECT_EQ(gpus[0]["device_set"], (json{"0000:01:00.0", "0000:01:00.1"}));
    EXPECT_EQ(gpus[0]["state"], "detached");
    EXPECT_EQ(gpus[0]["owner"]["kind"], "administrator");
    EXPECT_EQ(gpus[1]["owner"], (json{{"kind", "host"}, {"id", ""}, {"name", ""}}));
    EXPECT_EQ(gpus[1]["iommu_groups"], (json{3, 4}));
}

TEST_F(Passthructl, TellsTheLastErrorAndTheRunningJob) {
    kernel_.add_process(4711, "blender", {"/dev/dri/card0"});
    EXPECT_EQ(run({"detach", "01:00.0"}).status, refused);
    EXPECT_THAT(run({"status", "01:00.0"}).out, HasSubstr("Last error: InUse: "));
    kernel_.plan_fault("unbind", "02:00.0"_bdf, Fault::Block);
    const auto pending = start_detach(second_gpu);
    wait_for_a_blocked_write();
    const json gpu = answer({"status", "02:00.0"})["gpus"][0];
    EXPECT_EQ(gpu["job"]["kind"], "detach");
    EXPECT_THAT(gpu["job"]["text"].get<std::string>(), HasSubstr("0000:02:00.0"));
    EXPECT_EQ(gpu["state"], "detaching");
    EXPECT_TRUE(gpu["last_error"].is_null());
    kernel_.unblock();
    EXPECT_TRUE(client_->wait(pending).ok());
}

TEST_F(Passthructl, RunsACommandThatHasTheGpuWhileItRuns) {
    const fakes::Ended ended =
        run({"run", "01:00.0", "--", "sh", "-c",
             "echo $PASSTHRU_GPU $PASSTHRU_NODES; " PASSTHRUCTL " owner 01:00.0; exit 7"});
    EXPECT_EQ(ended.status, 7) << ended.err;
    EXPECT_THAT(ended.out, testing::StartsWith("0000:01:00.0 /dev/vfio/1\nlease "));
    EXPECT_THAT(ended.out, EndsWith(" sh\n"));
    wait_for_state(first_gpu, "host");
    EXPECT_EQ(changes_of_the_machine(), "");
    EXPECT_EQ(run({"run", "01:00.0", "--", "sh", "-c", "kill -9 $$"}).status, 128 + SIGKILL);
    wait_for_state(first_gpu, "host");
}

TEST_F(Passthructl, TellsWhyACommandIsNotRun) {
    constexpr int not_had = 125;
    EXPECT_EQ(run({"run", "01:00.0", "--", "/nowhere"}).status, 127);
    wait_for_state(first_gpu, "host");
    EXPECT_EQ(run({"run", "01:00.0", "--", "/tmp"}).status, 126);
    wait_for_state(first_gpu, "host");
    EXPECT_EQ(run({"run", "05:00.0", "--", "true"}).status, not_had);
    kernel_.add_process(4711, "blender", {"/dev/dri/card0"});
    const fakes::Ended refused = run({"run", "01:00.0", "--", "true"});
    EXPECT_EQ(refused.status, not_had);
    EXPECT_THAT(refused.err, HasSubstr("blender"));
    EXPECT_EQ(run({"run", "01:00.0"}).status, usage);
}

TEST_F(Passthructl, MovesAGpuAndSaysNothingWhereItIsNoTerminal) {
    const fakes::Ended taken = run({"detach", "01:00.0"});
    EXPECT_EQ(taken.status, success);
    EXPECT_THAT(taken.out + taken.err, IsEmpty());
    EXPECT_EQ(state(first_gpu), "(\"detached\")");
    const json back = answer({"reattach", "01:00.0"});
    EXPECT_EQ(back["gpus"][0]["state"], "host") << back;
    EXPECT_EQ(changes_of_the_machine(), "");
}

TEST_F(Passthructl, ShowsTheStepsOfAMoveInATerminal) {
    Running terminal = hanging_detach();
    EXPECT_TRUE(terminal.wait_to_print("\r0000:01:00.0: detach, step ")) << terminal.printed();
    EXPECT_TRUE(terminal.wait_to_print("unbind 0000:01:00.0 from nouveau")) << terminal.printed();
    wait_for_a_blocked_write();
    kernel_.unblock();
    EXPECT_EQ(terminal.wait(), success);
    EXPECT_THAT(terminal.printed(), EndsWith("\r\x1b[K")) << "the line is taken away";
}

TEST_F(Passthructl, CancelsADetachByCtrlC) {
    Running terminal = hanging_detach();
    ASSERT_TRUE(terminal.wait_to_print("unbind 0000:01:00.0")) << terminal.printed();
    wait_for_a_blocked_write();
    terminal.type("\x03");
    EXPECT_TRUE(terminal.wait_to_print("cancelled: what was done is taken back"));
    kernel_.unblock();
    EXPECT_EQ(terminal.wait(), cancelled) << terminal.printed();
    EXPECT_EQ(state(first_gpu), "(\"host\")");
    EXPECT_EQ(changes_of_the_machine(), "");
}

TEST_F(Passthructl, IsLeftByTheSecondCtrlC) {
    Running terminal = hanging_detach();
    ASSERT_TRUE(terminal.wait_to_print("unbind 0000:01:00.0")) << terminal.printed();
    wait_for_a_blocked_write();
    terminal.type("\x03");
    ASSERT_TRUE(terminal.wait_to_print("cancelled: "));
    terminal.type("\x03");
    EXPECT_EQ(terminal.wait(), interrupted) << terminal.printed();
    kernel_.unblock();
    wait_for_state(first_gpu, "host");
}

TEST_F(Passthructl, DoesNotCancelAReattach) {
    ASSERT_TRUE(detach(first_gpu).ok());
    kernel_.plan_fault("unbind", "01:00.0"_bdf, Fault::Block);
    Running terminal(command({"reattach", "01:00.0"}), Running::Output::Terminal);
    ASSERT_TRUE(terminal.wait_to_print("reattach, step")) << terminal.printed();
    wait_for_a_blocked_write();
    terminal.type("\x03");
    EXPECT_TRUE(terminal.wait_to_print("a reattach goes on to its end"));
    kernel_.unblock();
    EXPECT_EQ(terminal.wait(), success) << terminal.printed();
    EXPECT_EQ(changes_of_the_machine(), "");
}

TEST_F(Passthructl, WaitsForProgramsAsLongAsItIsTold) {
    kernel_.add_process(4711, "blender", {"/dev/dri/card0"});
    Running terminal(command({"detach", "--wait", "60", "01:00.0"}), Running::Output::Terminal);
    EXPECT_TRUE(client_->wait_to_hear("ReleaseRequested")) << "it waits";
    kernel_.end_process(4711);
    EXPECT_EQ(terminal.wait(), success) << terminal.printed();
    EXPECT_EQ(run({"detach", "--wait", "0", "01:00.0"}).status, usage);
    EXPECT_EQ(run({"detach", "--wait", "121", "01:00.0"}).status, usage);
}

TEST_F(Passthructl, PassesOverTheChecksThatItNames) {
    kernel_.add_process(4711, "blender", {"/dev/dri/card0"});
    const fakes::Ended wrong = run({"detach", "--override", "NotIsolated", "01:00.0"});
    EXPECT_EQ(wrong.status, usage);
    EXPECT_THAT(wrong.err, HasSubstr("cannot be passed over"));
    EXPECT_EQ(run({"detach", "--override", "BootGpu", "01:00.0"}).status, refused);
    EXPECT_EQ(run({"detach", "--override", "BootGpu", "--override", "InUse", "01:00.0"}).status,
              success);
    EXPECT_EQ(state(first_gpu), "(\"detached\")");
}

TEST_F(Passthructl, TellsWhatIsRefusedInJsonAndByItsStatus) {
    EXPECT_EQ(answer({"detach", "09:00.0"})["error"], "org.passthru1.Error.NoSuchGpu");
    EXPECT_EQ(run({"detach", "09:00.0"}).status, not_found);
    kernel_.add_process(4711, "blender", {"/dev/dri/card0"});
    EXPECT_EQ(answer({"detach", "01:00.0"})["error"], "org.passthru1.Error.InUse");
}

TEST_F(Passthructl, TellsThatPassthrudDoesNotRun) {
    EXPECT_EQ(end(SIGTERM), 0);
    for (const Words& words : std::vector<Words>{
             {"detach", "01:00.0"}, {"owner", "01:00.0"}, {"holders", "01:00.0"}, {"watch"}}) {
        const fakes::Ended ended = run(words);
        EXPECT_EQ(ended.status, no_daemon);
        EXPECT_THAT(ended.err, HasSubstr("systemctl start passthrud"));
    }
}

TEST_F(Passthructl, WatchesAMoveFromItsStartToItsEnd) {
    Running watch(command({"watch"}), Running::Output::Pipe);
    ASSERT_TRUE(watch.wait_to_print("0000:02:00.0  host         host\n")) << watch.printed();
    ASSERT_TRUE(detach(first_gpu).ok());
    EXPECT_TRUE(watch.wait_to_print("0000:01:00.0  detaching    administrator root"));
    EXPECT_TRUE(watch.wait_to_print("detach, step ")) << watch.printed();
    EXPECT_TRUE(watch.wait_to_print("0000:01:00.0  detached     administrator root\n"))
        << watch.printed();
    watch.send(SIGTERM);
    EXPECT_EQ(watch.wait(), success);
}

TEST_F(Passthructl, WatchesInJsonLineByLine) {
    Running watch(command({"watch", "--json"}), Running::Output::Pipe);
    ASSERT_TRUE(watch.wait_to_print("0000:02:00.0"));
    ASSERT_TRUE(detach(second_gpu).ok());
    ASSERT_TRUE(watch.wait_to_print("\"state\":\"detached\"")) << watch.printed();
    watch.send(SIGINT);
    EXPECT_EQ(watch.wait(), success);
    std::istringstream lines(watch.printed());
    std::vector<std::string> events;
    for (std::string line; std::getline(lines, line);) {
        const json event = json::parse(line, nullptr, false);
        ASSERT_FALSE(event.is_discarded()) << line;
        EXPECT_GT(event["time"], 0);
        events.push_back(event["event"]);
    }
    ASSERT_GE(events.size(), 4U);
    EXPECT_EQ(events[0], "present");
    EXPECT_EQ(events[2], "changed");
}

TEST_F(Passthructl, WatchesGpusComeAndGo) {
    Running watch(command({"watch"}), Running::Output::Pipe);
    ASSERT_TRUE(watch.wait_to_print("0000:02:00.0"));
    kernel_.unplug_card("02:00.0"_bdf);
    ::kill(passthrud_, SIGHUP);
    EXPECT_TRUE(watch.wait_to_print("0000:02:00.0  vanished")) << watch.printed();
    kernel_.replug();
    ::kill(passthrud_, SIGHUP);
    EXPECT_TRUE(watch.wait_to_print("0000:02:00.0  host")) << watch.printed();
}

TEST_F(Passthructl, WatchesOnWhenPassthrudIsRestarted) {
    Running watch(command({"watch"}), Running::Output::Pipe);
    ASSERT_TRUE(watch.wait_to_print("0000:02:00.0"));
    EXPECT_EQ(end(SIGTERM), 0);
    EXPECT_TRUE(watch.wait_to_print("passthrud has ended"));
    start();
    EXPECT_TRUE(watch.wait_to_print("passthrud is there again"));
    ASSERT_TRUE(detach(first_gpu).ok());
    EXPECT_TRUE(watch.wait_to_print("0000:01:00.0  detached")) << watch.printed();
    EXPECT_THAT(watch.printed(), Not(HasSubstr("vanished")));
}

}  // namespace
}  // namespace passthru::bus_test
