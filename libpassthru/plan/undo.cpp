// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/undo.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <ranges>

namespace passthru {
namespace {

/// What the steps so far have made of one function.
struct Change {
    struct Override {
        std::optional<std::string> before;
        std::optional<std::string> now;
    };
    std::optional<Override> driver_override;
    std::optional<std::string> driver_before;
    std::optional<std::string> driver_now;
    bool rebound = false;
    std::map<Setting, step::WriteSetting> settings;
};

void note(const Step& step, std::map<Bdf, Change>& changes) {
    if (const auto* it = std::get_if<step::SetOverride>(&step)) {
        Change& change = changes[it->bdf];
        if (!change.driver_override) change.driver_override = {it->from, {}};
        change.driver_override->now = it->to;
    } else if (const auto* unbind = std::get_if<step::Unbind>(&step)) {
        Change& change = changes[unbind->bdf];
        if (!change.rebound) change.driver_before = unbind->driver;
        change.rebound = true;
        change.driver_now.reset();
    } else if (const auto* probe = std::get_if<step::Probe>(&step)) {
        Change& change = changes[probe->bdf];
        change.rebound = true;
        change.driver_now = probe->driver;
    } else if (const auto* written = std::get_if<step::WriteSetting>(&step)) {
        const auto [first, is_new] =
            changes[written->bdf].settings.emplace(written->setting, *written);
        if (!is_new) first->second.to = written->to;
    }
}

void restore_settings(const Change& change, Plan& plan) {
    for (const auto& [setting, it] : change.settings) {
        if (it.from) plan.steps.push_back(step::WriteSetting{it.bdf, setting, it.to, *it.from});
    }
}

void restore_driver(const Bdf& bdf, const Change& change, Plan& plan) {
    const auto override_now = change.driver_override ? change.driver_override->now : std::nullopt;
    const auto override_before =
        change.driver_override ? change.driver_override->before : std::nullopt;
    const bool unbind = change.driver_now && change.driver_now != change.driver_before;
    if (change.rebound && change.driver_before) {
        // An override that the plan has not touched is the one that chose the driver before.
        const bool choose = change.driver_override.has_value();
        if (choose)
            plan.steps.push_back(step::SetOverride{bdf, override_now, change.driver_before});
        if (unbind) plan.steps.push_back(step::Unbind{bdf, *change.driver_now});
        plan.steps.push_back(step::Probe{bdf, *change.driver_before});
        if (choose)
            plan.steps.push_back(step::SetOverride{bdf, change.driver_before, override_before});
        return;
    }
    if (unbind) plan.steps.push_back(step::Unbind{bdf, *change.driver_now});
    if (change.driver_override) {
        plan.steps.push_back(step::SetOverride{bdf, override_now, override_before});
    }
}

}  // namespace

Plan undo(const Plan& plan, std::size_t done) {
    std::map<Bdf, Change> changes;
    std::vector<Bdf> order;
    const std::size_t reached = std::min(done + 1, plan.steps.size());
    for (const Step& step : plan.steps | std::views::take(reached)) {
        note(step, changes);
        for (const Bdf& bdf : functions_of(step)) {
            if (changes.contains(bdf) && std::ranges::find(order, bdf) == order.end()) {
                order.push_back(bdf);
            }
        }
    }
    Plan back;
    back.kind = PlanKind::Undo;
    for (const Step& step : plan.steps | std::views::take(reached)) {
        const auto* lent = std::get_if<step::LendNodes>(&step);
        if (lent != nullptr) back.steps.push_back(step::LendNodes{lent->functions, 0});
    }
    for (const Bdf& bdf : std::views::reverse(order)) {
        restore_driver(bdf, changes.at(bdf), back);
        restore_settings(changes.at(bdf), back);
    }
    for (const Step& step : plan.steps | std::views::take(reached)) {
        const auto* stopped = std::get_if<step::StopService>(&step);
        if (stopped != nullptr) back.steps.push_back(step::StartService{stopped->service});
    }
    return back;
}

}  // namespace passthru
