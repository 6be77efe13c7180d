// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/step.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <ostream>

namespace passthru {

namespace {

std::string listed(const std::vector<Bdf>& functions) {
    std::string list;
    for (const Bdf& bdf : functions) list += (list.empty() ? "" : ", ") + bdf.str();
    return list;
}

/// The card, and what shares its bus where that is reset.
std::vector<Bdf> reset_by(const ResetChain& chain) {
    std::vector<Bdf> functions = chain.functions;
    for (const ResetAttempt& attempt : chain.attempts) {
        for (const Bdf& bdf : attempt.functions) {
            if (std::ranges::find(functions, bdf) == functions.end()) functions.push_back(bdf);
        }
    }
    return functions;
}

std::string describe_reset(const ResetChain& chain) {
    std::string ways;
    const std::string* last = nullptr;
    for (const ResetAttempt& attempt : chain.attempts) {
        // The same by other means is of no use to a person.
        if (last != nullptr && *last == attempt.method) continue;
        last = &attempt.method;
        ways += (ways.empty() ? "" : ", else ") + attempt.method;
    }
    const std::string card = listed(chain.functions);
    return ways.empty() ? fmt::format("check that {} is well", card)
                        : fmt::format("reset {}: {}", card, ways);
}

}  // namespace

std::string_view plan_kind_name(PlanKind kind) {
    switch (kind) {
        case PlanKind::Detach: return "detach";
        case PlanKind::Reattach: return "reattach";
        case PlanKind::Undo: return "undo";
        case PlanKind::Reset: return "reset";
    }
    return "undo";
}

std::string_view rule_name(CriticalRule rule) {
    return rule == CriticalRule::RefuseAll ? "refuse-all" : "refuse-disks-and-board";
}

std::string_view rule_name(HolderRule rule) {
    switch (rule) {
        case HolderRule::Refuse: return "refuse";
        case HolderRule::AskThenRefuse: return "ask-then-refuse";
        case HolderRule::RefuseDangerous: return "refuse-dangerous";
    }
    return "refuse";
}

std::string_view rule_name(ResetDemand demand) {
    return demand == ResetDemand::Required ? "required" : "if-possible";
}

std::string_view attribute_of(Setting setting) {
    switch (setting) {
        case Setting::PowerControl: return "power/control";
        case Setting::D3coldAllowed: return "d3cold_allowed";
        case Setting::ResetMethod: return "reset_method";
    }
    return "power/control";
}

std::vector<Bdf> functions_of(const Step& step) {
    return std::visit(
        [](const auto& it) {
            if constexpr (requires { it.functions; }) {
                return it.functions;
            } else if constexpr (requires { it.service; }) {
                return std::vector<Bdf>{};
            } else if constexpr (requires { it.chain; }) {
                return reset_by(it.chain);
            } else {
                return std::vector<Bdf>{it.bdf};
            }
        },
        step);
}

Bdf function_shown(const Step& step, const Bdf& gpu) {
    const std::vector<Bdf> functions = functions_of(step);
    return functions.empty() ? gpu : functions.front();
}

bool only_looks(const Step& step) {
    return std::holds_alternative<step::CheckAnswers>(step) ||
           std::holds_alternative<step::CheckNotCritical>(step) ||
           std::holds_alternative<step::CheckUnused>(step);
}

std::string describe(const Step& step) {
    return std::visit(
        Overloaded{
            [](const step::CheckAnswers& it) {
                return fmt::format("check that {} answers", it.bdf.str());
            },
            [](const step::CheckNotCritical& it) {
                return fmt::format("check that the host does not need {}", listed(it.functions));
            },
            [](const step::CheckUnused& it) {
                std::string text = fmt::format("check that nobody uses {}", listed(it.functions));
                if (it.wait.count() == 0) return text;
                return fmt::format("{}, and wait up to {} s", text, it.wait.count());
            },
            [](const step::SetOverride& it) {
                if (!it.to) return fmt::format("clear driver_override of {}", it.bdf.str());
                return fmt::format("set driver_override of {} to {}", it.bdf.str(), *it.to);
            },
            [](const step::Unbind& it) {
                return fmt::format("unbind {} from {}", it.bdf.str(), it.driver);
            },
            [](const step::Probe& it) {
                return fmt::format("bind {} to {}", it.bdf.str(), it.driver);
            },
            [](const step::WriteSetting& it) {
                return fmt::format("set {} of {} to {}", attribute_of(it.setting), it.bdf.str(),
                                   it.to);
            },
            [](const step::Reset& it) { return describe_reset(it.chain); },
            [](const step::LendNodes& it) {
                if (it.user == 0) return fmt::format("keep {} to root", listed(it.functions));
                return fmt::format("let user {} open {}", it.user, listed(it.functions));
            },
            [](const step::StopService& it) { return fmt::format("stop {}", it.service); },
            [](const step::StartService& it) { return fmt::format("start {}", it.service); },
        },
        step);
}

std::string_view step_name(const Step& step) {
    return std::visit(Overloaded{
                          [](const step::CheckAnswers&) { return "check-answers"; },
                          [](const step::CheckNotCritical&) { return "check-not-critical"; },
                          [](const step::CheckUnused&) { return "check-unused"; },
                          [](const step::SetOverride&) { return "set-override"; },
                          [](const step::Unbind&) { return "unbind"; },
                          [](const step::Probe&) { return "probe"; },
                          [](const step::WriteSetting&) { return "write-setting"; },
                          [](const step::Reset&) { return "reset"; },
                          [](const step::LendNodes&) { return "lend-nodes"; },
                          [](const step::StopService&) { return "stop-service"; },
                          [](const step::StartService&) { return "start-service"; },
                      },
                      step);
}

void PrintTo(const Plan& plan, std::ostream* out) {
    *out << plan_kind_name(plan.kind);
    for (const Step& step : plan.steps) *out << "\n  " << describe(step);
}

}  // namespace passthru
