// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/plan_json.hpp"

#include "libpassthru/json_reading.hpp"
#include "libpassthru/plan/reset_json.hpp"
#include "libpassthru/safety/policy.hpp"
#include "libpassthru/safety/services.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

using nlohmann::json;

json text_or_null(const std::optional<std::string>& text) {
    return text ? json(*text) : json(nullptr);
}

std::optional<std::string> read_text_or_null(const json& object, const char* key) {
    const json& value = object.at(key);
    if (value.is_null()) return std::nullopt;
    return value.get<std::string>();
}

/// The name of a driver or a module: it becomes part of a path and of what is written to sysfs.
std::optional<std::string> read_driver_or_null(const json& object, const char* key) {
    auto name = read_text_or_null(object, key);
    // Outside ASCII a byte that is no UTF-8 would have become another name on the way here.
    const auto odd = [](char c) { return c == '/' || c < ' ' || c > '~'; };
    if (name && (name->empty() || name->size() > 64 || *name == "." || *name == ".." ||
                 std::ranges::any_of(*name, odd))) {
        throw MalformedJson(fmt::format("“{}” is not the name of a driver", key));
    }
    return name;
}

std::string read_driver(const json& object, const char* key) {
    auto name = read_driver_or_null(object, key);
    if (!name) throw MalformedJson(fmt::format("“{}” is missing", key));
    return *name;
}

PciId read_id(const json& object) {
    const json& id = object.at("id");
    return {whole_number<std::uint16_t>(id.at(0)), whole_number<std::uint16_t>(id.at(1))};
}

std::string read_service(const json& object) {
    auto name = object.at("service").get<std::string>();
    if (!is_service_name(name)) throw MalformedJson(fmt::format("“{:.40}” is no service", name));
    return name;
}

template <typename Rule>
Rule read_rule(const json& object, std::initializer_list<Rule> rules) {
    const auto name = object.at("rule").get<std::string>();
    for (const Rule rule : rules) {
        if (rule_name(rule) == name) return rule;
    }
    throw MalformedJson(fmt::format("“{:.40}” is no rule", name));
}

Setting read_setting(const std::string& name) {
    for (const Setting setting :
         {Setting::PowerControl, Setting::D3coldAllowed, Setting::ResetMethod}) {
        if (attribute_of(setting) == name) return setting;
    }
    throw MalformedJson(fmt::format("“{:.40}” is no setting", name));
}

/// A word of the kernel, or several; nothing else is ever written to a setting.
std::string read_value(Setting setting, std::string value) {
    const auto plain = [setting](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
               (c == ' ' && setting == Setting::ResetMethod);
    };
    if (value.empty() || value.size() > 256 || !std::ranges::all_of(value, plain)) {
        throw MalformedJson(
            fmt::format("“{:.40}” is no value for {}", value, attribute_of(setting)));
    }
    return value;
}

json step_to_json(const Step& step) {
    json result = std::visit(
        Overloaded{
            [](const step::CheckAnswers& it) {
                return json{{"bdf", it.bdf.str()}, {"id", {it.id.vendor, it.id.device}}};
            },
            [](const step::CheckNotCritical& it) {
                return json{{"functions", bdfs_to_json(it.functions)},
                            {"rule", rule_name(it.rule)}};
            },
            [](const step::CheckUnused& it) {
                return json{{"functions", bdfs_to_json(it.functions)},
                            {"rule", rule_name(it.rule)},
                            {"wait", it.wait.count()}};
            },
            [](const step::SetOverride& it) {
                return json{{"bdf", it.bdf.str()},
                            {"from", text_or_null(it.from)},
                            {"to", text_or_null(it.to)}};
            },
            [](const step::Unbind& it) {
                return json{{"bdf", it.bdf.str()}, {"driver", it.driver}};
            },
            [](const step::Probe& it) {
                return json{{"bdf", it.bdf.str()}, {"driver", it.driver}};
            },
            [](const step::WriteSetting& it) {
                return json{{"bdf", it.bdf.str()},
                            {"setting", attribute_of(it.setting)},
                            {"from", text_or_null(it.from)},
                            {"to", it.to}};
            },
            [](const step::Reset& it) {
                json chain = reset_chain_to_json(it.chain);
                chain["rule"] = rule_name(it.demand);
                return chain;
            },
            [](const step::LendNodes& it) {
                return json{{"functions", bdfs_to_json(it.functions)}, {"user", it.user}};
            },
            [](const step::StopService& it) { return json{{"service", it.service}}; },
            [](const step::StartService& it) { return json{{"service", it.service}}; },
        },
        step);
    result["do"] = step_name(step);
    return result;
}

Step step_from_json(const json& object) {
    const auto kind = object.at("do").get<std::string>();
    if (kind == "check-not-critical") {
        return step::CheckNotCritical{
            bdfs_from_json(object.at("functions")),
            read_rule(object, {CriticalRule::RefuseAll, CriticalRule::RefuseDisksAndBoard})};
    }
    if (kind == "check-unused") {
        return step::CheckUnused{
            bdfs_from_json(object.at("functions")),
            read_rule(object,
                      {HolderRule::Refuse, HolderRule::AskThenRefuse, HolderRule::RefuseDangerous}),
            std::min(std::chrono::seconds(whole_number<std::uint32_t>(object.at("wait"))),
                     max_wait)};
    }
    if (kind == "reset") {
        return step::Reset{reset_chain_from_json(object),
                           read_rule(object, {ResetDemand::IfPossible, ResetDemand::Required})};
    }
    if (kind == "lend-nodes") {
        return step::LendNodes{bdfs_from_json(object.at("functions")),
                               whole_number<std::uint32_t>(object.at("user"))};
    }
    if (kind == "stop-service") return step::StopService{read_service(object)};
    if (kind == "start-service") return step::StartService{read_service(object)};
    const Bdf bdf = bdf_from_json(object.at("bdf"));
    if (kind == "check-answers") return step::CheckAnswers{bdf, read_id(object)};
    if (kind == "set-override") {
        return step::SetOverride{bdf, read_driver_or_null(object, "from"),
                                 read_driver_or_null(object, "to")};
    }
    if (kind == "unbind") return step::Unbind{bdf, read_driver(object, "driver")};
    if (kind == "probe") return step::Probe{bdf, read_driver(object, "driver")};
    if (kind == "write-setting") {
        const Setting setting = read_setting(object.at("setting").get<std::string>());
        // What its undo writes.
        auto from = read_text_or_null(object, "from");
        if (from) from = read_value(setting, *from);
        return step::WriteSetting{bdf, setting, from,
                                  read_value(setting, object.at("to").get<std::string>())};
    }
    throw MalformedJson(fmt::format("“{:.40}” is no step", kind));
}

json plan_to_json(const Plan& plan) {
    json steps = json::array();
    for (const Step& step : plan.steps) steps.push_back(step_to_json(step));
    return {{"plan", plan_kind_name(plan.kind)}, {"steps", steps}};
}

PlanKind plan_kind_from(const std::string& name) {
    for (const PlanKind kind :
         {PlanKind::Detach, PlanKind::Reattach, PlanKind::Undo, PlanKind::Reset}) {
        if (plan_kind_name(kind) == name) return kind;
    }
    throw MalformedJson(fmt::format("“{:.40}” is no kind of plan", name));
}

json to_json(const WorkerProcess& process) {
    return {{"pid", process.pid}, {"start", process.started}};
}

WorkerProcess process_from(const json& object) {
    return {whole_number<pid_t>(object.at("pid")), whole_number<std::uint64_t>(object.at("start"))};
}

json report_to_json(const WorkerReport& report) {
    return std::visit(
        Overloaded{
            [](const Started& it) { return json{{"started", to_json(it.process)}}; },
            [](const StepDone& it) { return json{{"done", it.index}}; },
            [](const Waiting& it) { return json{{"waiting", it.index}, {"message", it.message}}; },
            [](const ResetTried& it) {
                return json{{"tried", it.index}, {"trial", reset_trial_to_json(it.trial)}};
            },
            [](const PlanDone&) { return json{{"finished", true}}; },
            [](const PlanFailed& it) {
                return json{{"failed", it.index},
                            {"error", errc_name(it.error.code)},
                            {"message", it.error.message},
                            {"errno", it.error.errnum}};
            },
        },
        report);
}

WorkerReport report_from_json(const json& object) {
    if (object.contains("started")) return Started{process_from(object.at("started"))};
    if (object.contains("done")) return StepDone{whole_number<std::size_t>(object.at("done"))};
    if (object.contains("waiting")) {
        return Waiting{whole_number<std::size_t>(object.at("waiting")),
                       object.at("message").get<std::string>()};
    }
    if (object.contains("tried")) {
        return ResetTried{whole_number<std::size_t>(object.at("tried")),
                          reset_trial_from_json(object.at("trial"))};
    }
    if (object.contains("finished")) return PlanDone{};
    return PlanFailed{
        whole_number<std::size_t>(object.at("failed")),
        Error{errc_from_name(object.at("error").get<std::string>()),
              object.at("message").get<std::string>(), whole_number<int>(object.at("errno"))}};
}

template <typename Read>
auto guarded(std::string_view what, Read read) -> Result<decltype(read())> {
    try {
        return read();
    } catch (const json::exception& error) {
        return fail(Errc::InvalidArgs, fmt::format("malformed {}: {}", what, error.what()));
    } catch (const MalformedJson& error) {
        return fail(Errc::InvalidArgs, fmt::format("malformed {}: {}", what, error.what()));
    }
}

}  // namespace

std::string plan_to_text(const Plan& plan) {
    return plan_to_json(plan).dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Plan> plan_from_text(std::string_view text) {
    return guarded("plan", [&] {
        const json object = parse_json(text);
        Plan plan;
        plan.kind = plan_kind_from(object.at("plan").get<std::string>());
        for (const json& step : object.at("steps")) plan.steps.push_back(step_from_json(step));
        expect_same(object, plan_to_json(plan));
        return plan;
    });
}

std::string report_to_text(const WorkerReport& report) {
    return report_to_json(report).dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<WorkerReport> report_from_text(std::string_view text) {
    return guarded("report", [&] {
        const json object = parse_json(text);
        const WorkerReport report = report_from_json(object);
        expect_same(object, report_to_json(report));
        return report;
    });
}

nlohmann::json process_to_json(const WorkerProcess& process) {
    return to_json(process);
}

Result<WorkerProcess> process_from_json(const nlohmann::json& json) {
    return guarded("process", [&] {
        const WorkerProcess process = process_from(json);
        expect_same(json, to_json(process));
        return process;
    });
}

nlohmann::json record_to_json(const SetRecord& record) {
    json list = json::array();
    for (const FunctionRecord& it : record) {
        list.push_back({{"bdf", it.bdf.str()},
                        {"id", {it.id.vendor, it.id.device}},
                        {"driver", text_or_null(it.driver)},
                        {"driver_override", text_or_null(it.driver_override)},
                        {"reset_method", text_or_null(it.reset_method)},
                        {"power_control", text_or_null(it.power_control)},
                        {"d3cold_allowed", text_or_null(it.d3cold_allowed)}});
    }
    return list;
}

Result<SetRecord> record_from_json(const nlohmann::json& list) {
    return guarded("record", [&] {
        SetRecord record;
        for (const json& it : list) {
            record.push_back(
                {bdf_from_json(it.at("bdf")), read_id(it), read_driver_or_null(it, "driver"),
                 read_driver_or_null(it, "driver_override"), read_text_or_null(it, "reset_method"),
                 read_text_or_null(it, "power_control"), read_text_or_null(it, "d3cold_allowed")});
        }
        expect_same(list, record_to_json(record));
        return record;
    });
}

}  // namespace passthru
