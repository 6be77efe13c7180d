// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/doctor/host_doctor.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <filesystem>
#include <gmock/gmock.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;
using fakes::operator""_bdf;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

auto has_id(const char* id) {
    return Field("id", &DoctorFinding::id, id);
}

/// A desktop with a card for VMs that nothing is wrong with.
class ADoctor : public testing::Test {
protected:
    ADoctor() {
        install(PASSTHRU_HOOK_FILE, "#!/bin/sh\nexec passthru-hook \"$@\"\n");
        EXPECT_THAT(found(), Not(Contains(has_id("hook-missing"))));
    }
    /// An executable file.
    void install(const std::string& path, std::string_view text, int mode = 0755) const {
        kernel_.put(path.substr(1), text);
        fs::permissions(kernel_.path() / path.substr(1), static_cast<fs::perms>(mode));
    }
    [[nodiscard]] std::vector<DoctorFinding> found() const {
        return findings_of_host(kernel_.root(), kernel_.inventory());
    }
    const fakes::FakeKernel kernel_{R"(
        00:02.0 0300 8086:4680 group 0 driver i915 boot_vga
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    )"};
};

TEST_F(ADoctor, FindsNothingWhereNothingIsWrong) {
    EXPECT_THAT(found(), IsEmpty());
}

TEST_F(ADoctor, SeesAHookThatLibvirtWouldNotRun) {
    install(PASSTHRU_HOOK_FILE, "#!/bin/sh\n", 0644);
    EXPECT_THAT(found(), Contains(has_id("hook-not-executable")));
    EXPECT_FALSE(hook_is_installed(kernel_.root()));
    fs::remove(kernel_.path() / std::string(PASSTHRU_HOOK_FILE).substr(1));
    EXPECT_THAT(found(), Contains(AllOf(has_id("hook-missing"),
                                        Field(&DoctorFinding::severity, Severity::Error),
                                        Field(&DoctorFinding::subject, PASSTHRU_HOOK_FILE))));
}

TEST_F(ADoctor, SeesHooksOfOthersThatMoveDevices) {
    install("/etc/libvirt/hooks/qemu",
            "#!/bin/bash\n# virsh nodedev-detach is for others\necho hi\n");
    EXPECT_THAT(found(), Not(Contains(has_id("rival-hook")))) << "a comment does nothing";
    install("/etc/libvirt/hooks/qemu.d/win11/prepare/begin/start.sh",
            "#!/bin/bash\nsystemctl stop display-manager\n"
            "virsh nodedev-detach pci_0000_01_00_0\n");
    EXPECT_THAT(found(), Contains(AllOf(
                             has_id("rival-hook"),
                             Field(&DoctorFinding::subject,
                                   "/etc/libvirt/hooks/qemu.d/win11/prepare/begin/start.sh"),
                             Field(&DoctorFinding::message, HasSubstr("line 3: nodedev-detach")))));
    install("/etc/libvirt/hooks/qemu.d/win11/prepare/begin/start.sh", "modprobe -r nvidia\n", 0644);
    EXPECT_THAT(found(), Not(Contains(has_id("rival-hook")))) << "libvirt does not run it";
}

TEST_F(ADoctor, SeesCardsThatAreBoundAtBoot) {
    kernel_.put("proc/cmdline", "quiet vfio-pci.ids=10DE:2489,10de:228b");
    EXPECT_THAT(
        found(),
        Contains(AllOf(has_id("bound-at-boot"), Field(&DoctorFinding::subject, "0000:01:00.0"),
                       Field(&DoctorFinding::message, HasSubstr("command line")))));
    kernel_.put("proc/cmdline", "quiet vfio-pci.ids=1002:73bf");
    EXPECT_THAT(found(), IsEmpty()) << "no such card is here";
    kernel_.put("etc/modprobe.d/vfio.conf",
                "# ids=1\noptions vfio_pci disable_vga=1 ids=10de:2489\n");
    EXPECT_THAT(
        found(),
        Contains(AllOf(has_id("bound-at-boot"),
                       Field(&DoctorFinding::message, HasSubstr("/etc/modprobe.d/vfio.conf")))));
}

TEST_F(ADoctor, SeesInterruptsThatAreNotIsolated) {
    kernel_.put("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
    EXPECT_THAT(found(), Contains(has_id("unsafe-interrupts")));
}

TEST_F(ADoctor, ReadsPassthrudsOwnFiles) {
    kernel_.put("etc/passthrud/passthrud.conf", "[gpu.\"*\"]\nwait = 0\n");
    EXPECT_THAT(
        found(),
        Contains(AllOf(has_id("configuration"), Field(&DoctorFinding::severity, Severity::Error),
                       Field(&DoctorFinding::message, HasSubstr("passthrud.conf:2:")))));
}

TEST_F(ADoctor, NamesServicesThatNoUnitHas) {
    kernel_.put("usr/lib/systemd/system/ollama.service", "");
    kernel_.put("etc/passthrud/passthrud.conf",
                "[gpu.\"*\"]\nstop-services = [\"ollama.service\", \"olama.service\"]\n"
                "[gpu.\"01:00.0\"]\nstop-services = [\"olama.service\"]\n");
    EXPECT_THAT(
        found(),
        ElementsAre(AllOf(has_id("configuration"), Field(&DoctorFinding::severity, Severity::Note),
                          Field(&DoctorFinding::message, HasSubstr("has olama.service")))));
}

TEST(TheDoctorOfGpus, TellsWhatIsWrongWithTheWholeComputerOnce) {
    const fakes::FakeKernel kernel(R"(
        01:00.0 0300 10de:2489 driver nouveau
        02:00.0 0300 1002:73bf driver amdgpu
    )");
    const auto all = diagnose(kernel.root());
    EXPECT_EQ(std::ranges::count(all, "IommuOff", &DoctorFinding::id), 1);
    EXPECT_THAT(all, Contains(AllOf(has_id("IommuOff"), Field(&DoctorFinding::subject, ""),
                                    Field(&DoctorFinding::remedy, Not(IsEmpty())))));
}

TEST(TheDoctorOfGpus, SaysOfEachGpuWhatAPlanWouldSay) {
    const fakes::FakeKernel kernel(R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0106 8086:a102 group 1 driver ahci
    )");
    const auto run = dry_run_detach(kernel.root(), *parse_bdf("0000:01:00.0"));
    ASSERT_TRUE(run);
    ASSERT_THAT(run->judgement.refusals, Not(IsEmpty()));
    const auto all = findings_of_gpus({*run});
    for (const Refusal& it : run->judgement.refusals) {
        EXPECT_THAT(all, Contains(AllOf(has_id(std::string(errc_name(it.code)).c_str()),
                                        Field(&DoctorFinding::subject, "0000:01:00.0"),
                                        Field(&DoctorFinding::message, it.message()),
                                        Field(&DoctorFinding::remedy, it.remedy))));
    }
}

class ADoctorOfOneVm : public testing::Test {
protected:
    [[nodiscard]] std::vector<DoctorFinding> found(const std::vector<Bdf>& functions) const {
        auto all = diagnose(kernel_.root(), DomainRequest{"", "win11", functions});
        std::erase_if(all, [](const DoctorFinding& it) { return it.id == "hook-missing"; });
        return all;
    }
    const fakes::FakeKernel kernel_{R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel
        00:06.0 0604 8086:464d group 2 driver pcieport
          02:00.0 0300 1002:73bf group 3 driver amdgpu boot_vga
    )"};
};

TEST_F(ADoctorOfOneVm, LooksAtItsGpusAlone) {
    EXPECT_THAT(found({"01:00.0"_bdf, "01:00.1"_bdf}), IsEmpty());
    EXPECT_THAT(found({"02:00.0"_bdf}),
                Contains(AllOf(has_id("BootGpu"), Field(&DoctorFinding::subject, "0000:02:00.0"))));
}

TEST_F(ADoctorOfOneVm, TellsWhatGoesWithItsGpuAndIsNotInIt) {
    EXPECT_THAT(
        found({"01:00.0"_bdf}),
        ElementsAre(AllOf(
            has_id("not-in-the-vm"), Field(&DoctorFinding::severity, Severity::Note),
            Field(&DoctorFinding::subject, "0000:01:00.1"),
            Field(&DoctorFinding::message,
                  "0000:01:00.1 (audio) goes from the host with 0000:01:00.0, and the VM “win11” "
                  "does not get it"))));
}

TEST_F(ADoctorOfOneVm, SeesFunctionsThatTheComputerLacks) {
    EXPECT_THAT(found({"01:00.0"_bdf, "01:00.1"_bdf, "05:00.0"_bdf}),
                ElementsAre(AllOf(has_id("NoSuchGpu"), Field(&DoctorFinding::subject, "win11"),
                                  Field(&DoctorFinding::message, HasSubstr("lists 0000:05:00.0")),
                                  Field(&DoctorFinding::remedy, HasSubstr("remove it")))));
}

TEST_F(ADoctorOfOneVm, WithoutAGpuSaysSo) {
    EXPECT_THAT(found({}), ElementsAre(has_id("no-gpu")));
    EXPECT_THAT(found({"05:00.0"_bdf}), ElementsAre(has_id("NoSuchGpu"))) << "it meant one";
}

}  // namespace
}  // namespace passthru
