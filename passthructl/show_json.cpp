// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/show.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace passthru::ctl {
namespace {

using nlohmann::json;

std::string hex(std::uint16_t value) {
    return fmt::format("{:04x}", value);
}

template <typename T>
json or_null(const std::optional<T>& value) {
    return value ? json(*value) : json(nullptr);
}

json text_or_null(const std::string& text) {
    return text.empty() ? json(nullptr) : json(text);
}

json or_null(std::uint32_t number) {
    return number == 0 ? json(nullptr) : json(number);
}

json brief(const GpuRow& row) {
    const FunctionRow own = row.own();
    json device_set = json::array();
    for (const FunctionRow& it : row.functions) device_set.push_back(it.address);
    return {{"address", row.address},
            {"class", hex(own.class_code)},
            {"class_name", own.class_name},
            {"vendor_id", hex(row.vendor_id)},
            {"device_id", hex(row.device_id)},
            {"model", text_or_null(row.model)},
            {"driver", or_null(own.driver)},
            {"boot_vga", row.boot_vga},
            {"iommu_groups", row.iommu_groups},
            {"device_set", device_set},
            {"state", row.state},
            {"owner", to_json(row.owner)}};
}

json function_json(const FunctionRow& it) {
    return {{"address", it.address},
            {"class", hex(it.class_code)},
            {"class_name", it.class_name},
            {"vendor_id", hex(it.vendor_id)},
            {"device_id", hex(it.device_id)},
            {"role", it.role},
            {"driver", or_null(it.driver)},
            {"driver_override", or_null(it.driver_override)},
            {"iommu_group", or_null(it.iommu_group)}};
}

json detail(const GpuRow& row) {
    json it = brief(row);
    it["numa_node"] = row.numa_node;
    it["power_state"] = text_or_null(row.power_state);
    it["link_speed"] = or_null(row.link.speed);
    it["link_speed_max"] = or_null(row.link.speed_max);
    it["link_width"] = or_null(row.link.width);
    it["link_width_max"] = or_null(row.link.width_max);
    it["reset_methods"] = row.reset_methods;
    it["job"] = to_json(row.job);
    it["queue"] = to_json(row.queue);
    it["functions"] = json::array();
    for (const FunctionRow& function : row.functions) {
        it["functions"].push_back(function_json(function));
    }
    it["last_reset"] = json::array();
    for (const ResetRow& trial : row.last_reset) {
        it["last_reset"].push_back({{"method", trial.method},
                                    {"at", trial.at},
                                    {"duration", trial.duration},
                                    {"result", trial.result},
                                    {"message", trial.message}});
    }
    it["last_error"] = nullptr;
    if (row.last_error) {
        it["last_error"] = {{"error", row.last_error->error}, {"message", row.last_error->message}};
    }
    return it;
}

}  // namespace

json to_json(const std::vector<GpuRow>& rows) {
    json list = json::array();
    for (const GpuRow& row : rows) list.push_back(brief(row));
    return {{"gpus", list}};
}

json to_json(const Details& details) {
    json list = json::array();
    for (const GpuRow& row : details.gpus) list.push_back(detail(row));
    return {{"gpus", list}};
}

json to_json(const OwnerRow& owner) {
    return {{"kind", owner.kind}, {"id", owner.id}, {"name", owner.name}};
}

json to_json(const std::optional<OwnerRow>& owner) {
    return owner ? to_json(*owner) : json(nullptr);
}

json to_json(const std::optional<JobRow>& job) {
    if (!job) return nullptr;
    return {{"kind", job->kind},
            {"step", job->step},
            {"steps", job->steps},
            {"text", job->text},
            {"started_at", job->started_at}};
}

json to_json(const std::vector<WaiterRow>& queue) {
    json list = json::array();
    for (const WaiterRow& it : queue) {
        list.push_back({{"owner", to_json(it.owner)}, {"limit", it.limit}});
    }
    return list;
}

json to_json(const std::vector<FindingRow>& findings) {
    json list = json::array();
    for (const FindingRow& it : findings) {
        list.push_back({{"id", it.id},
                        {"severity", it.severity},
                        {"subject", text_or_null(it.subject)},
                        {"message", it.message},
                        {"remedy", it.remedy},
                        {"documentation", it.documentation}});
    }
    return {{"findings", list}};
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

}  // namespace passthru::ctl
