// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/run.hpp"

#include "worker/executor.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <sstream>
#include <stdexcept>
#include <sys/utsname.h>

namespace passthru {
namespace {

std::set<std::string> lines(const std::string& text) {
    std::set<std::string> result;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) result.insert(line);
    return result;
}

}  // namespace

Result<DetachPlan> plan_for(const DeviceSet& set, const std::vector<Bdf>& wanted,
                            const Inventory& inventory) {
    DetachWishes wishes;
    wishes.functions = wanted;
    wishes.policy.boot_gpu = BootGpuRule::Allow;
    return plan_detach({set, wishes, inventory, {}});
}

Ran run(const fakes::FakeKernel& kernel, const Plan& plan) {
    Ran ran;
    Executor executor(kernel.root(), kernel.doors());
    executor.run(plan, [&](const WorkerReport& report) {
        if (std::holds_alternative<StepDone>(report)) ++ran.done;
        if (const auto* failed = std::get_if<PlanFailed>(&report)) ran.error = failed->error;
    });
    return ran;
}

Plan first_steps(const Plan& plan, std::size_t count) {
    Plan cut = plan;
    cut.steps.resize(std::min(count, cut.steps.size()), step::Reset{});
    return cut;
}

DeviceSet set_with(const Inventory& inventory, const Bdf& bdf) {
    for (DeviceSet& set : device_sets(inventory)) {
        if (set.contains(bdf)) return set;
    }
    throw std::logic_error("no device set holds " + bdf.str());
}

void put_aliases(const fakes::FakeKernel& kernel, std::string_view text) {
    utsname computer{};
    ::uname(&computer);
    kernel.put(fmt::format("lib/modules/{}/modules.alias", computer.release), text);
}

std::string difference(const std::string& before, const std::string& after) {
    if (before == after) return "";
    const auto old_lines = lines(before);
    const auto new_lines = lines(after);
    std::string text;
    for (const std::string& line : old_lines) {
        if (!new_lines.contains(line)) text += "- " + line + "\n";
    }
    for (const std::string& line : new_lines) {
        if (!old_lines.contains(line)) text += "+ " + line + "\n";
    }
    return text;
}

}  // namespace passthru
