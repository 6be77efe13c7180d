// SPDX-License-Identifier: LGPL-2.1-or-later
// Real machines, and what people who know them say about each GPU.
#include "libpassthru/plan/detach_plan.hpp"
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

INSTANTIATE_TEST_SUITE_P(, ARealMachine, testing::ValuesIn(machine_ids()), [](const auto& it) {
    std::string name = it.param;
    std::ranges::replace(name, '-', '_');
    return name;
});

TEST(TheOpenVerdicts, AreAboutGpusThatExist) {
    for (const auto& [key, reason] : open_verdicts) {
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
