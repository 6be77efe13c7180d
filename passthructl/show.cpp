// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/show.hpp"

#include "passthructl/columns.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace passthru::ctl {
namespace {

using nlohmann::json;

std::vector<std::string> addresses(const DeviceSet& set) {
    std::vector<std::string> result;
    for (const Member& member : set.members) result.push_back(member.bdf.str());
    return result;
}

json text_or_null(const std::optional<std::string>& text) {
    return text ? json(*text) : json(nullptr);
}

std::string owner_text(const std::vector<std::string>& owner) {
    if (owner.size() != 3) return "?";
    if (owner[0] == "host") return "host";
    return fmt::format("{} {}", owner[0], owner[2].empty() ? owner[1] : owner[2]);
}

std::string name_of(const GpuRow& row) {
    if (!row.model.empty()) return row.model;
    return fmt::format("{} {}", class_name(row.gpu.class_code), row.gpu.id.str());
}

/// The text behind a mark, wrapped below itself.
std::string item(const std::string& mark, const std::string& text, std::size_t width) {
    const bool fits = width > 2 * mark.size();
    return mark + wrapped(text, fits ? width - mark.size() : 0, mark.size()) + "\n";
}

std::string item(const std::string& text, std::size_t width) {
    return item("  - ", text, width);
}

/// What was told of several functions with one remedy.
struct Reason {
    std::string error;
    std::string remedy;
    std::string message;
    std::string lead;  ///< the message up to its function, where only the function's class follows
};

/// `GPU 0000:06:00.0 shares its IOMMU group with ` of `… with 0000:01:00.1 (SATA controller)`.
std::string lead_of(const PlanAnswer::Refusal& refusal) {
    const std::size_t at = refusal.message.rfind(refusal.function + " (");
    const bool ends_there = at != std::string::npos && refusal.message.ends_with(')') &&
                            refusal.message.find(')', at) + 1 == refusal.message.size();
    return ends_there ? refusal.message.substr(0, at) : "";
}

void add(Reason& reason, const PlanAnswer::Refusal& refusal) {
    const std::string lead = lead_of(refusal);
    const bool goes_on = !lead.empty() && lead == reason.lead;
    if (!reason.message.empty()) reason.message += goes_on ? ", " : "; ";
    reason.message += goes_on ? refusal.message.substr(lead.size()) : refusal.message;
    reason.lead = lead;
}

std::vector<Reason> reasons_of(const PlanAnswer& plan) {
    std::vector<Reason> reasons;
    for (const PlanAnswer::Refusal& it : plan.refusals) {
        auto reason = std::ranges::find_if(reasons, [&](const Reason& known) {
            return known.error == it.error && known.remedy == it.remedy;
        });
        if (reason == reasons.end()) {
            reason = reasons.insert(reason, {it.error, it.remedy, "", ""});
        }
        add(*reason, it);
    }
    return reasons;
}

std::string last_part(const std::string& error) {
    return error.substr(error.rfind('.') + 1);
}

}  // namespace

json to_json(const std::vector<GpuRow>& rows) {
    json list = json::array();
    for (const GpuRow& row : rows) {
        const Function& gpu = row.gpu;
        json it = {{"address", gpu.bdf.str()},
                   {"class", fmt::format("{:04x}", gpu.class_code)},
                   {"class_name", class_name(gpu.class_code)},
                   {"vendor_id", fmt::format("{:04x}", gpu.id.vendor)},
                   {"device_id", fmt::format("{:04x}", gpu.id.device)},
                   {"model", row.model.empty() ? json(nullptr) : json(row.model)},
                   {"driver", text_or_null(gpu.driver)},
                   {"boot_vga", gpu.boot_vga},
                   {"iommu_groups", row.set.groups},
                   {"device_set", addresses(row.set)},
                   {"state", row.state},
                   {"owner", nullptr}};
        if (row.owner.size() == 3) {
            it["owner"] = {{"kind", row.owner[0]}, {"id", row.owner[1]}, {"name", row.owner[2]}};
        }
        list.push_back(std::move(it));
    }
    return {{"gpus", list}};
}

json to_json(const PlanAnswer& plan) {
    json refusals = json::array();
    for (const auto& it : plan.refusals) {
        refusals.push_back({{"error", it.error},
                            {"function", it.function},
                            {"message", it.message},
                            {"remedy", it.remedy}});
    }
    json warnings = json::array();
    for (const auto& it : plan.warnings) {
        warnings.push_back(
            {{"warning", it.warning}, {"function", it.function}, {"message", it.message}});
    }
    json steps = json::array();
    for (const auto& it : plan.steps) {
        steps.push_back({{"step", it.step}, {"function", it.function}, {"text", it.text}});
    }
    return {{"action", plan.action}, {"gpu", plan.gpu},      {"device_set", plan.device_set},
            {"refusals", refusals},  {"warnings", warnings}, {"steps", steps}};
}

json to_json(const std::vector<HolderRow>& holders) {
    json list = json::array();
    for (const HolderRow& it : holders) {
        list.push_back({{"kind", it.kind},
                        {"command", it.command},
                        {"pid", it.pid},
                        {"user", it.user},
                        {"node", it.node},
                        {"function", it.function},
                        {"unit", it.unit},
                        {"session", it.session}});
    }
    return {{"holders", list}};
}

std::string to_text(const std::vector<GpuRow>& rows, std::size_t width) {
    if (rows.empty()) return "This computer has no GPU on the PCI bus.\n";
    std::vector<std::vector<std::string>> cells;
    for (const GpuRow& row : rows) {
        cells.push_back(
            {row.gpu.bdf.str(), row.state, owner_text(row.owner), row.gpu.driver.value_or("-"),
             row.set.groups.empty() ? "-" : fmt::format("{}", fmt::join(row.set.groups, " ")),
             std::to_string(row.set.members.size()), name_of(row)});
    }
    return table({"GPU", "STATE", "OWNER", "DRIVER", "GROUP", "MOVES", "NAME"}, cells, width);
}

std::string to_text(const PlanAnswer& plan, std::size_t width) {
    std::string text;
    if (!plan.device_set.empty()) {
        text +=
            wrapped(fmt::format("GPU {} moves with {}", plan.gpu, fmt::join(plan.device_set, ", ")),
                    width, 4) +
            "\n";
    }
    if (!plan.refusals.empty()) {
        text += fmt::format("The {} would be refused:\n", plan.action);
        for (const Reason& it : reasons_of(plan)) {
            text +=
                item(fmt::format("{}: {}: {}", last_part(it.error), it.message, it.remedy), width);
        }
    } else if (plan.steps.empty()) {
        text += "Nothing has to be done.\n";
    } else {
        text += fmt::format("The {} would do:\n", plan.action);
        std::size_t number = 0;
        for (const auto& it : plan.steps) {
            text += item(fmt::format("{:3}. ", ++number), it.text, width);
        }
    }
    if (!plan.warnings.empty()) text += "To be known:\n";
    for (const auto& it : plan.warnings) text += item(it.message, width);
    return text;
}

std::string to_text(const std::vector<HolderRow>& holders, std::size_t width) {
    if (holders.empty()) return "Nobody has it open.\n";
    std::vector<std::vector<std::string>> cells;
    for (const HolderRow& it : holders) {
        cells.push_back({it.kind, it.pid == 0 ? "-" : std::to_string(it.pid),
                         it.user.empty() ? "-" : it.user, it.command, it.node,
                         it.session.empty() ? "-" : it.session, it.unit.empty() ? "-" : it.unit});
    }
    return table({"KIND", "PID", "USER", "COMMAND", "NODE", "SESSION", "UNIT"}, cells, width);
}

PlanAnswer refused_plan(const Bdf& gpu, const Error& error) {
    PlanAnswer plan;
    plan.gpu = gpu.str();
    plan.refusals.push_back({dbus_name(error.code), gpu.str(), error.message,
                             "“passthructl list” shows the GPUs of this computer"});
    return plan;
}

PlanAnswer answer_of(const DryRun& run) {
    PlanAnswer plan;
    plan.gpu = run.gpu.str();
    for (const Bdf& bdf : run.device_set) plan.device_set.push_back(bdf.str());
    for (const Refusal& it : run.judgement.refusals) {
        plan.refusals.push_back({dbus_name(it.code), it.function.str(), it.message(), it.remedy});
    }
    for (const Warning& it : run.judgement.warnings) {
        plan.warnings.push_back({it.name, it.function.str(), it.message});
    }
    for (const Step& it : run.steps) {
        plan.steps.push_back(
            {std::string(step_name(it)), functions_of(it).front().str(), describe(it)});
    }
    return plan;
}

}  // namespace passthru::ctl
