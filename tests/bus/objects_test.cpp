// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bus/daemon_on_a_bus.hpp"

#include <csignal>
#include <fmt/format.h>
#include <gmock/gmock.h>

namespace passthru::bus_test {
namespace {

using fakes::Fault;
using fakes::operator""_bdf;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* no_such_gpu = "org.passthru1.Error.NoSuchGpu";

const Method diagnose{"/org/passthru1", manager, "Diagnose"};

using Passthrud = DaemonOnABus;

TEST_F(Passthrud, ShowsAnObjectForEachGpu) {
    const Answer all = client_->call(
        {"/org/passthru1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"}, "");
    EXPECT_THAT(all.text, AllOf(HasSubstr(first_gpu), HasSubstr(second_gpu)));
    EXPECT_EQ(client_->property(first_gpu, gpu_interface, "Address").text, "(\"0000:01:00.0\")");
    EXPECT_EQ(client_->property(first_gpu, gpu_interface, "VendorId").text, "(4318)");
    EXPECT_EQ(client_->property(first_gpu, gpu_interface, "DeviceId").text, "(9353)");
    EXPECT_EQ(client_->property(first_gpu, gpu_interface, "NumaNode").text, "(-1)");
    EXPECT_EQ(client_->property(first_gpu, gpu_interface, "BootVga").text, "(false)");
    EXPECT_EQ(client_->property(first_gpu, gpu_interface, "IommuGroups").text, "([1])");
    EXPECT_EQ(client_->property(second_gpu, gpu_interface, "IommuGroups").text, "([3, 4])");
    EXPECT_EQ(client_->property(first_gpu, gpu_interface, "ResetMethods").text,
              "([\"flr\", \"bus\"])");
    EXPECT_EQ(client_->property(first_gpu, gpu_interface, "PowerState").text, "(\"D0\")");
    EXPECT_EQ(client_->property(first_gpu, gpu_interface, "LastError").text, "((\"\", \"\"))");
    EXPECT_EQ(client_->property(first_gpu, gpu_interface, "Job").text, "(\"/\")");
    EXPECT_THAT(
        client_->property(first_gpu, gpu_interface, "Functions").text,
        AllOf(HasSubstr("\"driver\", \"snd_hda_intel\""), HasSubstr("\"role\", \"companion\"")));
    EXPECT_EQ(state(first_gpu), "(\"host\")");
    EXPECT_EQ(owner(first_gpu), "((\"host\", \"\", \"\"))");
    EXPECT_EQ(client_->property("/org/passthru1", manager, "IommuKind").text, "(\"intel\")");
    EXPECT_EQ(client_->property("/org/passthru1", manager, "HookInstalled").text, "(false)");
    EXPECT_TRUE(client_->wait_until([&] {
        return client_->property("/org/passthru1", manager, "LibvirtState").text ==
               "(\"connected\")";
    }));
}

TEST_F(Passthrud, ShowsTheLinkOfACardThatIsAwake) {
    const auto put = [&](const std::string& attribute, const char* text) {
        kernel_.put("sys/bus/pci/devices/0000:01:00.0/" + attribute, text);
    };
    const auto link = [&] {
        std::string text;
        for (const char* name : {"LinkSpeed", "LinkSpeedMax", "LinkWidth", "LinkWidthMax"}) {
            text += client_->property(first_gpu, gpu_interface, name).text;
        }
        return text;
    };
    put("current_link_speed", "8.0 GT/s PCIe\n");
    put("max_link_speed", "16.0 GT/s PCIe\n");
    put("current_link_width", "8\n");
    put("max_link_width", "16\n");
    EXPECT_TRUE(client_->wait_until([&] { return link() == "(8000)(16000)(8)(16)"; })) << link();
    put("power_state", "D3cold\n");
    EXPECT_TRUE(client_->wait_until([&] { return link() == "(0)(0)(0)(0)"; }));
}

TEST_F(Passthrud, TellsWhatIsWrongOfTheGpusThatTheHostHas) {
    kernel_.put("etc/passthrud/passthrud.conf", "[gpu.\"*\"]\nboot-gpu = \"refuse\"\n");
    kernel_.put("sys/bus/pci/devices/0000:01:00.0/boot_vga", "1\n");
    ASSERT_EQ(::kill(passthrud_, SIGHUP), 0);
    const auto refuses = [&](const char* gpu) {
        return client_->call(diagnose, "a{sv}", 0)
            .text.contains(fmt::format("\"subject\", \"{}\"", gpu));
    };
    ASSERT_TRUE(client_->wait_until([&] { return refuses("0000:01:00.0"); }))
        << "nobody allows the boot GPU";
    EXPECT_THAT(client_->call(diagnose, "a{sv}", 0).text, HasSubstr("\"hook-missing\""));
    EXPECT_EQ(client_->call(diagnose, "a{sv}", 1, "foo", "b", 1).error, invalid_args);
    EXPECT_EQ(state(first_gpu), "(\"host\")");
}

TEST_F(Passthrud, TellsWhatWouldRefuseTheStartOfAVm) {
    const auto of_vm = [&](const std::vector<int>& buses) {
        return client_->call(diagnose, "a{sv}", 1, "domain-xml", "s", domain_with(buses).c_str())
            .text;
    };
    EXPECT_THAT(of_vm({1}), AllOf(HasSubstr("\"not-in-the-vm\""), HasSubstr("\"0000:01:00.1\""),
                                  Not(HasSubstr("02:00"))));
    EXPECT_THAT(of_vm({1, 9}), HasSubstr("lists 0000:09:00.0, and this computer has no such"));
    ASSERT_TRUE(
        client_->call({first_gpu, gpu_interface, "Lease"}, "ssa{sv}", "test", "a trial", 0).ok());
    EXPECT_THAT(of_vm({1}), AllOf(HasSubstr("\"Busy\""), HasSubstr("the lease of test")));
    EXPECT_THAT(of_vm({2}), Not(HasSubstr("\"Busy\"")));
    ASSERT_TRUE(notify("prepare", "begin", domain_with({2})).ok());
    EXPECT_THAT(of_vm({2}), Not(HasSubstr("\"Busy\""))) << "it has the GPU itself";
    EXPECT_EQ(client_->call(diagnose, "a{sv}", 1, "domain-xml", "s", "no domain").error,
              invalid_args);
    EXPECT_EQ(client_->call(diagnose, "a{sv}", 1, "domain-xml", "u", 1).error, invalid_args);
    EXPECT_TRUE(notify("release", "end", domain_with({2})).ok());
}

TEST_F(Passthrud, DetachesAndReattaches) {
    EXPECT_TRUE(detach(first_gpu).ok());
    EXPECT_EQ(kernel_.driver_of("01:00.0"_bdf), "vfio-pci");
    EXPECT_EQ(kernel_.driver_of("01:00.1"_bdf), "vfio-pci");
    EXPECT_EQ(state(first_gpu), "(\"detached\")");
    EXPECT_EQ(owner(first_gpu), "((\"administrator\", \"0\", \"root\"))");
    EXPECT_TRUE(reattach(first_gpu).ok());
    EXPECT_EQ(owner(first_gpu), "((\"host\", \"\", \"\"))");
    EXPECT_EQ(changes_of_the_machine(), "");
    EXPECT_THAT(kernel_.accidents(), IsEmpty());
}

TEST_F(Passthrud, ResetsWhatIsDetachedAndTellsHow) {
    const Method reset{first_gpu, gpu_interface, "Reset"};
    EXPECT_EQ(client_->call(reset, "a{sv}", 0).error, "org.passthru1.Error.InUse");
    EXPECT_TRUE(detach(first_gpu).ok());
    EXPECT_TRUE(client_->call(reset, "a{sv}", 0).ok());
    EXPECT_THAT(client_->property(first_gpu, gpu_interface, "LastReset").text,
                AllOf(HasSubstr("flr"), HasSubstr("well")));
    EXPECT_GE(client_->heard_at("LastReset"), 0);
    EXPECT_TRUE(client_->call(reset, "a{sv}", 1, "method", "s", "bus").ok());
    EXPECT_THAT(client_->property(first_gpu, gpu_interface, "LastReset").text, HasSubstr("bus"));
    EXPECT_EQ(client_->call(reset, "a{sv}", 1, "method", "s", "flr\nbus").error, invalid_args);
    EXPECT_EQ(client_->call(reset, "a{sv}", 1, "method", "u", 7).error, invalid_args);
    EXPECT_EQ(client_->call(reset, "a{sv}", 1, "force", "b", 1).error, invalid_args);
    EXPECT_EQ(client_->call(reset, "a{sv}", 1, "method", "s", "acpi").error,
              "org.passthru1.Error.ResetUnsupported");
    EXPECT_EQ(state(first_gpu), "(\"detached\")");
    EXPECT_TRUE(reattach(first_gpu).ok());
    EXPECT_EQ(changes_of_the_machine(), "");
}

TEST_F(Passthrud, TellsEverybodyBeforeItAnswers) {
    ASSERT_TRUE(detach(first_gpu).ok());
    const int answered = client_->heard_at("answer Detach");
    const auto before_the_answer = [&](const std::string& part) {
        const int at = client_->heard_at(part);
        EXPECT_TRUE(at >= 0 && at < answered)
            << part << " at " << at << ", the answer at " << answered;
    };
    before_the_answer(
        "OwnerChanged (\"/org/passthru1/gpu/0000_01_00_0\", \"0000:01:00.0\", (\"host\", \"\", "
        "\"\"), "
        "(\"administrator\", \"0\", \"root\"))");
    before_the_answer("\"State\", \"detaching\"");
    before_the_answer("\"State\", \"detached\"");
    before_the_answer("InterfacesAdded (\"/org/passthru1/job/2\"");
    before_the_answer("/org/passthru1/job/2 PropertiesChanged");
    before_the_answer("/org/passthru1/job/2 Completed (true, \"\", \"\")");
    before_the_answer("InterfacesRemoved (\"/org/passthru1/job/2\"");
    before_the_answer("\"Job\", \"/\"");
}

TEST_F(Passthrud, ShowsTheJobWhileItRuns) {
    kernel_.plan_fault("unbind", "01:00.1"_bdf, Fault::Block);
    const auto pending = start_detach(first_gpu);
    wait_for_a_blocked_write();
    constexpr const char* job = "/org/passthru1/job/2";
    ASSERT_TRUE(client_->wait_to_hear("unbind 0000:01:00.1 from snd_hda_intel"));
    EXPECT_EQ(client_->property(first_gpu, gpu_interface, "Job").text,
              "(\"/org/passthru1/job/2\")");
    EXPECT_EQ(client_->property(job, "org.passthru1.Job", "Gpu").text,
              "(\"/org/passthru1/gpu/0000_01_00_0\")");
    EXPECT_EQ(client_->property(job, "org.passthru1.Job", "Kind").text, "(\"detach\")");
    EXPECT_EQ(client_->property(job, "org.passthru1.Job", "StepName").text,
              "(\"unbind 0000:01:00.1 from snd_hda_intel\")");
    EXPECT_THAT(client_->call({first_gpu, gpu_interface, "Plan"}, "sa{sv}", "reattach", 0).text,
                Not(HasSubstr("\"step\"")));
    EXPECT_TRUE(client_->call({job, "org.passthru1.Job", "Cancel"}, "a{sv}", 0).ok());
    kernel_.unblock();
    EXPECT_EQ(client_->wait(pending).error, "org.passthru1.Error.Cancelled");
    EXPECT_GE(client_->heard_at("Completed (false, \"org.passthru1.Error.Cancelled\""), 0);
    EXPECT_FALSE(client_->property(job, "org.passthru1.Job", "Kind").ok());
    EXPECT_EQ(changes_of_the_machine(), "");
}

TEST_F(Passthrud, PutsEverythingBackAndSaysWhy) {
    kernel_.plan_fault("drivers_probe", "01:00.0"_bdf, Fault::NoEffect);
    const Answer refused = detach(first_gpu);
    EXPECT_EQ(refused.error, "org.passthru1.Error.BindFailed");
    EXPECT_EQ(client_->property(first_gpu, gpu_interface, "LastError").text,
              "((\"org.passthru1.Error.BindFailed\", \"" + refused.text + "\"))");
    EXPECT_EQ(changes_of_the_machine(), "");
}

TEST_F(Passthrud, TellsWhoHasAGpu) {
    ASSERT_TRUE(detach(second_gpu).ok());
    const Method get_owner{"/org/passthru1", manager, "GetOwner"};
    EXPECT_EQ(client_->call(get_owner, "s", "0000:01:00.1").text, "(\"host\", \"\", \"\")");
    EXPECT_EQ(client_->call(get_owner, "s", "02:00.1").text,
              "(\"administrator\", \"0\", \"root\")");
    EXPECT_EQ(client_->call(get_owner, "s", "00:01.0").error, no_such_gpu);
    EXPECT_EQ(client_->call(get_owner, "s", "card0").error, invalid_args);
    EXPECT_EQ(client_->call(get_owner, "s", "").error, invalid_args);
    EXPECT_EQ(client_->call(get_owner, "s", std::string(5000, '1').c_str()).error, invalid_args);
}

TEST_F(Passthrud, FindsAGpuByAnyOfItsAddresses) {
    const Method find{"/org/passthru1", manager, "FindGpu"};
    EXPECT_EQ(client_->call(find, "s", "0000:01:00.0").text,
              "(\"/org/passthru1/gpu/0000_01_00_0\")");
    EXPECT_EQ(client_->call(find, "s", "02:00.1").text, "(\"/org/passthru1/gpu/0000_02_00_0\")");
    for (const char* nothing : {"", "Voodoo", "00:01.0", "…"}) {
        EXPECT_EQ(client_->call(find, "s", nothing).error, no_such_gpu) << nothing;
    }
    EXPECT_EQ(client_->call(find, "s", std::string(1025, 'x').c_str()).error, invalid_args);
}

TEST_F(Passthrud, PlansWithoutDoing) {
    const Method plan{first_gpu, gpu_interface, "Plan"};
    EXPECT_THAT(
        client_->call(plan, "sa{sv}", "detach", 0).text,
        AllOf(HasSubstr("\"step\", \"unbind\""), HasSubstr("bind 0000:01:00.0 to vfio-pci")));
    EXPECT_THAT(client_->call(plan, "sa{sv}", "reattach", 0).text,
                AllOf(HasSubstr("0000:01:00.1"), Not(HasSubstr("\"step\""))));
    EXPECT_THAT(kernel_.writes(), IsEmpty());
    ASSERT_TRUE(notify("prepare", "begin", domain_with({1})).ok());
    EXPECT_THAT(client_->call(plan, "sa{sv}", "reattach", 0).text,
                HasSubstr("org.passthru1.Error.Busy"));
    EXPECT_EQ(client_->call(plan, "sa{sv}", "explode", 0).error, invalid_args);
    EXPECT_EQ(client_->call(plan, "sa{sv}", std::string(100'000, 'x').c_str(), 0).error,
              invalid_args);
}

TEST_F(Passthrud, ListsHoldersThroughAWorker) {
    kernel_.add_process(4711, "blender", {"/dev/dri/card0"});
    EXPECT_THAT(client_->call({first_gpu, gpu_interface, "ListHolders"}, "a{sv}", 0).text,
                AllOf(HasSubstr("blender"), HasSubstr("4711"), HasSubstr("0000:01:00.0")));
    EXPECT_THAT(client_->call({first_gpu, gpu_interface, "Plan"}, "sa{sv}", "detach", 0).text,
                AllOf(HasSubstr("org.passthru1.Error.InUse"), Not(HasSubstr("\"step\""))));
}

TEST_F(Passthrud, OverridesOnlyWhatMayBe) {
    for (const char* check : {"NotIsolated", "IommuOff", "x"}) {
        EXPECT_EQ(
            client_
                ->call({first_gpu, gpu_interface, "Detach"}, "a{sv}", 1, "override", "as", 1, check)
                .error,
            invalid_args)
            << check;
    }
    EXPECT_EQ(
        client_->call({first_gpu, gpu_interface, "Detach"}, "a{sv}", 1, "wait", "u", 121).error,
        invalid_args);
    EXPECT_THAT(kernel_.writes(), IsEmpty());
}

TEST_F(Passthrud, RefusesOptionsThatItDoesNotKnow) {
    EXPECT_EQ(
        client_->call({first_gpu, gpu_interface, "Detach"}, "a{sv}", 1, "force", "b", 1).error,
        invalid_args);
    EXPECT_EQ(
        client_->call({first_gpu, gpu_interface, "Reattach"}, "a{sv}", 1, "force", "b", 1).error,
        invalid_args);
    EXPECT_EQ(client_->call({first_gpu, gpu_interface, "Plan"}, "sa{sv}", "detach", 1, "x", "s", "")
                  .error,
              invalid_args);
    EXPECT_EQ(client_->call({"/org/passthru1", manager, "Rescan"}, "a{sv}", 1, "x", "s", "").error,
              invalid_args);
    EXPECT_THAT(kernel_.writes(), IsEmpty());
}

TEST_F(Passthrud, RefusesWrongTypes) {
    EXPECT_EQ(client_->call({first_gpu, gpu_interface, "Detach"}, "s", "now").error, invalid_args);
    EXPECT_EQ(client_->call({"/org/passthru1", manager, "GetOwner"}, "u", 1).error, invalid_args);
    EXPECT_EQ(client_->call({first_gpu, gpu_interface, "Explode"}, "").error,
              "org.freedesktop.DBus.Error.UnknownMethod");
    EXPECT_FALSE(
        client_->call({"/org/passthru1/gpu/0000_09_00_0", gpu_interface, "Detach"}, "a{sv}", 0)
            .ok());
}

TEST_F(Passthrud, SeesANewMachineAfterARescan) {
    kernel_.unplug("02:00.0"_bdf);
    kernel_.unplug("02:00.1"_bdf);
    EXPECT_EQ(detach(second_gpu).error, no_such_gpu);
    EXPECT_TRUE(client_->call({"/org/passthru1", manager, "Rescan"}, "a{sv}", 0).ok());
    EXPECT_TRUE(client_->wait_to_hear("InterfacesRemoved (\"/org/passthru1/gpu/0000_02_00_0\""));
    EXPECT_FALSE(client_->property(second_gpu, gpu_interface, "State").ok());
    EXPECT_EQ(state(first_gpu), "(\"host\")");
}

}  // namespace
}  // namespace passthru::bus_test
