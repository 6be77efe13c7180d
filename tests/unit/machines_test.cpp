// SPDX-License-Identifier: LGPL-2.1-or-later
// Real machines, and what people who know them say about each GPU.
#include "libpassthru/plan/dry_run.hpp"
#include "tests/unit/machine.hpp"
#include "tests/unit/run.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>

namespace passthru {
namespace {

using fakes::FakeKernel;

/// Verdicts that need something that is not built yet, or that the picture does not show: `machine
/// subject` → what is missing. An entry that is met by now fails the test, so that it is taken out.
const std::map<std::string, std::string> open_verdicts = {
    {"issue-ideapad-mx450 0000:01:00.0", "the picture tells no IOMMU group of it"},
    {"issue-truenas-two-t400 0000:17:00.0", "the picture tells no IOMMU groups"},
    {"issue-two-6900xt-identical 0000:4e:00.0", "the picture tells no IOMMU groups"},
    {"sysfs-harvester-hpe-a2-sriov 0000:08:00.0", "the picture tells no SR-IOV links"},
};

/// Verdicts that are about no GPU, and why: `machine subject` → what it is to passthrud. None of
/// these moves with a GPU unless somebody lists it.
const std::map<std::string, std::string> beside_gpus = {
    {"issue-cezanne-laptop-group5 0000:04:00.6",
     "the codec moves where a VM lists its whole group"},
    {"issue-qm77-usb 0000:00:14.0", "libvirt's; the listing leaves it out"},
    {"issue-qm77-usb 0000:00:1f.2", "libvirt's; whether a disk is mounted no listing tells"},
    {"issue-two-6900xt-identical vfio-pci.ids=1002:73af,1002:ab28,1002:73a6,1002:73a4",
     "an option of the kernel; passthrud goes by address"},
    {"sysfs-ghw-alderlake-laptop 0000:00:0d.2", "libvirt's"},
    {"sysfs-ghw-alderlake-laptop 0000:04:00.0", "libvirt's; the picture tells no mounts"},
    {"sysfs-ghw-fake-accel 0000:00:04.0", "an accelerator, see AnAcceleratorThatIsAskedFor"},
    {"sysfs-harvester-hpe-a2-sriov 0000:03:00.0", "libvirt's; the picture tells no mounts"},
    {"sysfs-harvester-hpe-a2-sriov 0000:05:00.0", "libvirt's; the picture tells no mounts"},
    {"sysfs-harvester-hpe-noiommu *", "of every GPU, see AMachineWithoutGroups"},
    {"sysfs-hwloc-pcidomain32 10000:00:04.0", "that its address is read, see IsReadWhole"},
    {"topo-b450m-mortar-rx580-raven 0000:15:00.1", "libvirt's"},
    {"topo-b550m-mortar-2070s-gt710 0000:2d:00.4",
     "libvirt's; that a driver is touchy is not shown"},
    {"topo-phoenix-ser8-cross-group-reset 0000:66:00.4", "libvirt's; the reset fails at run time"},
    {"topo-ryzen-two-rx580 vfio-pci.ids=1002:67df,1002:aaf0",
     "an option of the kernel; passthrud goes by address"},
    {"topo-x570-aorus-pro-1080ti 0000:01:00.0", "libvirt's; the listing tells no mounts"},
    {"topo-x570-aorus-pro-1080ti 0000:09:00.0", "libvirt's; the listing tells no mounts"},
    {"topo-x570f-2070s-dash-e 0000:04:00.0", "libvirt's; the listing tells no mounts"},
};

/// The outcome of asking for this function with its companions, as a VM that lists them does.
Result<DetachPlan> ask(const Inventory& inventory, const Bdf& gpu, const Verdict& verdict) {
    std::vector<Bdf> wanted = verdict.companions;
    wanted.push_back(gpu);
    const DeviceSet set = set_with(inventory, gpu);
    const DetachWishes wishes{wanted, {}, {}};
    return plan_detach({set, wishes, inventory, {}});
}

std::string unmet_ok(const Result<DetachPlan>& answer, const Bdf& gpu, const Verdict& verdict) {
    if (!answer) return fmt::format("refused: {}", answer.error().message);
    std::vector<Bdf> expected = verdict.companions;
    expected.push_back(gpu);
    for (const Bdf& bdf : expected) {
        if (!has<step::Probe>(answer->plan, bdf)) return bdf.str() + " does not move";
    }
    return "";
}

std::string unmet_refusal(const Result<DetachPlan>& answer, const Bdf& gpu, const Verdict& verdict,
                          const Inventory& inventory) {
    if (answer) return "not refused";
    const Error& error = answer.error();
    const Function& function = inventory.functions.at(gpu);
    Errc expected = error.code;
    if (!function.iommu_group) {
        expected = Errc::IommuOff;
    } else if (!verdict.conflicts.empty()) {
        expected = Errc::NotIsolated;
    } else if (function.boot_vga) {
        expected = Errc::BootGpu;
    }
    if (error.code != expected)
        return fmt::format("refused as {}: {}", errc_name(error.code), error.message);
    if (expected != Errc::NotIsolated) return "";
    for (const Bdf& bdf : verdict.conflicts) {
        if (!error.message.contains(bdf.str()))
            return fmt::format("{} is not named: {}", bdf.str(), error.message);
    }
    return "";
}

/// Why the verdict is not met; empty when it is.
std::string unmet(const Inventory& inventory, const Bdf& gpu, const Verdict& verdict) {
    const auto answer = ask(inventory, gpu, verdict);
    if (verdict.verdict.starts_with("ok")) return unmet_ok(answer, gpu, verdict);
    return unmet_refusal(answer, gpu, verdict, inventory);
}

class ARealMachine : public testing::TestWithParam<std::string> {
protected:
    /// The verdicts about GPUs, each with its GPU.
    [[nodiscard]] std::vector<std::pair<Bdf, Verdict>> gpu_verdicts() const {
        std::vector<std::pair<Bdf, Verdict>> result;
        for (const Verdict& verdict : machine_.verdicts) {
            const auto bdf = parse_bdf(verdict.subject);
            const Function* function = bdf ? inventory_.find(*bdf) : nullptr;
            if (function != nullptr && function->is_gpu()) result.emplace_back(*bdf, verdict);
        }
        return result;
    }

    const Machine machine_ = load_machine(GetParam());
    const FakeKernel kernel_{machine_.world};
    const Inventory inventory_ = kernel_.inventory();
};

TEST_P(ARealMachine, IsReadWhole) {
    EXPECT_EQ(inventory_.functions.size(), machine_.world.size());
    for (const fakes::FakeFunction& drawn : machine_.world) {
        const Function* read = inventory_.find(drawn.bdf);
        ASSERT_NE(read, nullptr) << drawn.bdf.str();
        EXPECT_EQ(read->id, drawn.id);
        EXPECT_EQ(read->iommu_group, drawn.group);
        EXPECT_EQ(read->driver, drawn.driver);
    }
}

TEST_P(ARealMachine, HasEachGpuInExactlyOneSetAndNoBridgeInAny) {
    std::map<Bdf, int> times;
    for (const DeviceSet& set : device_sets(inventory_)) {
        for (const Member& member : set.members) {
            ++times[member.bdf];
            const Function& function = inventory_.functions.at(member.bdf);
            EXPECT_FALSE(function.is_bridge() || function.is_furniture()) << member.bdf.str();
        }
    }
    for (const auto& [bdf, count] : times) EXPECT_EQ(count, 1) << bdf.str();
    for (const auto& [bdf, function] : inventory_.functions) {
        EXPECT_TRUE(!function.is_gpu() || times.contains(bdf)) << bdf.str();
    }
}

TEST_P(ARealMachine, HasTheCompanionsOfEachGpuInItsSet) {
    for (const auto& [gpu, verdict] : gpu_verdicts()) {
        const DeviceSet set = set_with(inventory_, gpu);
        const std::vector<Bdf> companions = set.with_role(Role::Companion);
        for (const Bdf& bdf : verdict.companions) {
            EXPECT_NE(std::ranges::find(companions, bdf), companions.end()) << bdf.str();
        }
        for (const Bdf& bdf : verdict.ignored) EXPECT_FALSE(set.contains(bdf)) << bdf.str();
    }
}

TEST_P(ARealMachine, IsJudgedAsThePersonWhoKnowsItDoes) {
    for (const auto& [gpu, verdict] : gpu_verdicts()) {
        const std::string problem = unmet(inventory_, gpu, verdict);
        const std::string key = machine_.id + " " + gpu.str();
        if (const auto open = open_verdicts.find(key); open != open_verdicts.end()) {
            EXPECT_NE(problem, "") << key << " is met by now and no longer open";
            continue;
        }
        EXPECT_EQ(problem, "") << key << "\n  " << verdict.verdict << ": " << verdict.reason;
    }
}

TEST_P(ARealMachine, IsJudgedTheSameFromItsFilesAlone) {
    for (const auto& [gpu, verdict] : gpu_verdicts()) {
        if (open_verdicts.contains(machine_.id + " " + gpu.str())) continue;
        const auto run = dry_run_detach(kernel_.root(), gpu);
        ASSERT_TRUE(run) << gpu.str();
        EXPECT_EQ(run->judgement.refusals.empty(), verdict.verdict.starts_with("ok"))
            << gpu.str() << " " << testing::PrintToString(run->judgement);
    }
}

TEST_P(ARealMachine, HasAPlaceForEveryVerdict) {
    const auto about_gpus = gpu_verdicts();
    for (const Verdict& verdict : machine_.verdicts) {
        const bool about_a_gpu = std::ranges::any_of(
            about_gpus, [&](const auto& item) { return item.second.subject == verdict.subject; });
        EXPECT_NE(about_a_gpu, beside_gpus.contains(machine_.id + " " + verdict.subject))
            << verdict.subject << ": " << verdict.reason;
    }
}

TEST_P(ARealMachine, MovesNothingBesideTheCardThatNobodyLists) {
    for (const Verdict& verdict : machine_.verdicts) {
        const auto beside = parse_bdf(verdict.subject);
        if (!beside || !beside_gpus.contains(machine_.id + " " + verdict.subject)) continue;
        for (const DeviceSet& set : device_sets(inventory_)) {
            const auto plan = plan_for(set, set.with_role(Role::Gpu), inventory_);
            EXPECT_FALSE(plan && has<step::Unbind>(plan->plan, *beside)) << beside->str();
            EXPECT_FALSE(plan && has<step::Probe>(plan->plan, *beside)) << beside->str();
        }
    }
}

INSTANTIATE_TEST_SUITE_P(, ARealMachine, testing::ValuesIn(machine_ids()), [](const auto& it) {
    std::string name = it.param;
    std::ranges::replace(name, '-', '_');
    return name;
});

TEST(AnAcceleratorThatIsAskedFor, IsRefusedWhereThereIsNoIommu) {
    const FakeKernel kernel(load_machine("sysfs-ghw-fake-accel").world);
    Inventory inventory = kernel.inventory();
    const Bdf accelerator = parse_bdf("0000:00:04.0").value();
    inventory.asked_for.insert(accelerator);
    const auto plan = plan_for(set_with(inventory, accelerator), {accelerator}, inventory);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, Errc::IommuOff);
}

TEST(AMachineWithoutGroups, RefusesEveryGpuForThat) {
    const FakeKernel kernel(load_machine("sysfs-harvester-hpe-noiommu").world);
    const Inventory inventory = kernel.inventory();
    const auto sets = device_sets(inventory);
    ASSERT_FALSE(sets.empty());
    for (const DeviceSet& set : sets) {
        const auto plan = plan_for(set, set.with_role(Role::Gpu), inventory);
        ASSERT_FALSE(plan);
        EXPECT_EQ(plan.error().code, Errc::IommuOff);
    }
}

TEST(TheTablesOfVerdicts, AreAboutWhatExists) {
    auto all = beside_gpus;
    all.insert(open_verdicts.begin(), open_verdicts.end());
    EXPECT_EQ(all.size(), beside_gpus.size() + open_verdicts.size());
    for (const auto& [key, reason] : all) {
        const std::size_t space = key.find(' ');
        const Machine machine = load_machine(key.substr(0, space));
        EXPECT_TRUE(std::ranges::any_of(machine.verdicts, [&](const Verdict& it) {
            return it.subject == key.substr(space + 1);
        })) << key;
        EXPECT_FALSE(reason.empty());
    }
}

}  // namespace
}  // namespace passthru
