// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/services.hpp"

#include "tests/unit/run.hpp"

#include <filesystem>
#include <gmock/gmock.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(TheNameOfAService, IsWhatSystemdTakesForOne) {
    for (const char* name : {"ollama.service", "foo@bar-1:2.service", "a\\x2db.service"}) {
        EXPECT_TRUE(is_service_name(name)) << name;
    }
    for (const char* name :
         {"", ".service", "ollama", "ollama.socket", "../x.service", "a b.service", "@x.service",
          "a/b.service", "a.service\n", "ä.service"}) {
        EXPECT_FALSE(is_service_name(name)) << name;
    }
    EXPECT_FALSE(is_service_name(std::string(300, 'a') + ".service"));
}

class Services : public testing::Test {
protected:
    void put_cgroup(const std::string& path, bool populated) const {
        kernel_.put("sys/fs/cgroup/" + path + "/cgroup.events",
                    populated ? "populated 1\nfrozen 0\n" : "populated 0\nfrozen 0\n");
    }
    const FakeKernel kernel_{"01:00.0 0300 10de:2489 group 1 driver nouveau"};
};

TEST_F(Services, RunWhereTheirCgroupHasProcesses) {
    put_cgroup("system.slice/a.service", true);
    put_cgroup("system.slice/b.service", false);
    put_cgroup("system.slice/system-foo.slice/foo@1.service", true);
    put_cgroup("user.slice/user-1000.slice/c.service", true);
    EXPECT_THAT(running_services(kernel_.root(), {"a.service", "b.service", "foo@1.service",
                                                  "c.service", "d.service"}),
                ElementsAre("a.service", "foo@1.service"));
}

TEST_F(Services, AreKnownByTheirAliases) {
    const auto folder = kernel_.path() / "etc/systemd/system";
    std::filesystem::create_directories(folder);
    std::filesystem::create_symlink("/lib/systemd/system/gdm.service",
                                    folder / "display-manager.service");
    std::filesystem::create_symlink("/dev/null", folder / "masked.service");
    put_cgroup("system.slice/gdm.service", true);
    EXPECT_EQ(service_behind(kernel_.root(), "display-manager.service"), "gdm.service");
    EXPECT_EQ(service_behind(kernel_.root(), "masked.service"), "masked.service");
    EXPECT_THAT(running_services(kernel_.root(), {"display-manager.service"}),
                ElementsAre("gdm.service"));
}

TEST_F(Services, HaveUnitsOrTemplates) {
    EXPECT_TRUE(has_unit(kernel_.root(), "a.service")) << "nothing is known of units";
    kernel_.put("usr/lib/systemd/system/a.service", "");
    kernel_.put("usr/lib/systemd/system/foo@.service", "");
    const auto folder = kernel_.path() / "etc/systemd/system";
    std::filesystem::create_directories(folder);
    std::filesystem::create_symlink("/dev/null", folder / "masked.service");
    for (const char* name : {"a.service", "foo@1.service", "masked.service"}) {
        EXPECT_TRUE(has_unit(kernel_.root(), name)) << name;
    }
    for (const char* name : {"b.service", "foo.service", "bar@1.service"}) {
        EXPECT_FALSE(has_unit(kernel_.root(), name)) << name;
    }
}

class AStopOfAService : public Services {
protected:
    [[nodiscard]] Ran run_step(Step step) const {
        return run(kernel_, {PlanKind::Detach, {std::move(step)}});
    }
    void name(const std::string& services) const {
        kernel_.put("etc/passthrud/passthrud.conf.d/50.conf",
                    "[gpu.\"01:00.0\"]\nstop-services = [" + services + "]\n");
    }
};

TEST_F(AStopOfAService, IsForThoseThatRootHasNamed) {
    for (const char* service : {"ollama.service", "sshd.service"}) kernel_.run_service(service);
    const Ran unnamed = run_step(step::StopService{"sshd.service"});
    ASSERT_FALSE(unnamed.finished());
    EXPECT_EQ(unnamed.error->code, Errc::InvalidArgs);
    name("\"ollama.service\"");
    EXPECT_FALSE(run_step(step::StopService{"sshd.service"}).finished());
    EXPECT_TRUE(kernel_.runs_service("sshd.service"));
    EXPECT_TRUE(run_step(step::StopService{"ollama.service"}).finished());
    EXPECT_FALSE(kernel_.runs_service("ollama.service"));
    EXPECT_TRUE(run_step(step::StartService{"ollama.service"}).finished());
    EXPECT_TRUE(kernel_.runs_service("ollama.service"));
}

TEST_F(AStopOfAService, StartsNothingElseEither) {
    name("\"ollama.service\"");
    EXPECT_TRUE(run_step(step::StartService{"sshd.service"}).finished()) << "the host has its GPU";
    EXPECT_FALSE(kernel_.runs_service("sshd.service"));
}

TEST_F(AStopOfAService, TellsWhyItFailed) {
    name("\"ollama.service\"");
    KernelDoors doors = kernel_.doors();
    doors.stop_service = [](const std::string&, int) -> Result<void> {
        return fail(Errc::TimedOut, "ollama.service did not end");
    };
    Executor executor(kernel_.root(), doors);
    std::vector<WorkerReport> reports;
    executor.run({PlanKind::Detach, {step::StopService{"ollama.service"}}},
                 [&](const WorkerReport& report) { reports.push_back(report); });
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(std::get<PlanFailed>(reports.front()).error.code, Errc::TimedOut);
}

TEST_F(Services, OfThePolicyAreStoppedBeforeAnybodyIsLookedFor) {
    const Inventory inventory = kernel_.inventory();
    DetachWishes wishes;
    wishes.policy.stop_services = {"ollama.service", "off.service"};
    Findings findings;
    findings.running_services = {"ollama.service"};
    Holder holder;
    holder.pid = 4711;
    holder.command = "ollama";
    holder.node = "/dev/nvidia0";
    holder.function = "01:00.0"_bdf;
    holder.unit = "ollama.service";
    findings.holders.push_back(holder);
    wishes.policy.boot_gpu = BootGpuRule::Allow;
    const DeviceSet set = set_with(inventory, "01:00.0"_bdf);
    const auto decided = plan_detach({set, wishes, inventory, findings});
    ASSERT_TRUE(decided) << decided.error().message;
    std::vector<std::string> first;
    for (const Step& step : decided->plan.steps) first.emplace_back(step_name(step));
    first.resize(4);
    EXPECT_THAT(first,
                ElementsAre("check-answers", "check-not-critical", "stop-service", "check-unused"));
    EXPECT_EQ(describe(decided->plan.steps[2]), "stop ollama.service");

    findings.holders.front().unit = "other.service";
    const auto refused = plan_detach({set, wishes, inventory, findings});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::InUse);
    EXPECT_THAT(refused.error().message,
                HasSubstr(": stop it with “systemctl stop other.service”, or have that done by"));
    findings.holders.front().session = "2";
    EXPECT_THAT(plan_detach({set, wishes, inventory, findings}).error().message,
                HasSubstr(": close it and try again"));
}

}  // namespace
}  // namespace passthru
