// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/daemon.hpp"

#include "libpassthru/pci/bdf.hpp"
#include "passthructl/bus_values.hpp"

#include <algorithm>

namespace passthru::ctl {
namespace {

using nlohmann::json;

constexpr const char* manager_interface = "org.passthru1.Manager";

Problem not_understood() {
    return {Exit::Failed, dbus_name(Errc::Failed), "passthrud's answer is not understood"};
}

/// The answer's first value, which has to be of this type.
Answer<json> first(const Answer<json>& answer, json::value_t type) {
    if (!answer) return std::unexpected(answer.error());
    if (answer->empty() || answer->front().type() != type) return std::unexpected(not_understood());
    return answer->front();
}

template <typename T>
std::optional<T> where_told(const json& object, const char* name) {
    if (!object.contains(name)) return std::nullopt;
    return member<T>(object, name);
}

FunctionRow function_of(const json& it) {
    return {text(it, "address"),
            member<std::uint16_t>(it, "class"),
            text(it, "class-name"),
            member<std::uint16_t>(it, "vendor-id"),
            member<std::uint16_t>(it, "device-id"),
            text(it, "role"),
            where_told<std::string>(it, "driver"),
            where_told<std::string>(it, "driver-override"),
            where_told<std::uint32_t>(it, "iommu-group")};
}

ResetRow reset_of(const json& it) {
    return {text(it, "method"), member<std::uint64_t>(it, "at"),
            member<std::uint64_t>(it, "duration"), text(it, "result"), text(it, "message")};
}

GpuRow gpu_of(const json& it, const Objects& objects) {
    GpuRow gpu;
    gpu.address = text(it, "Address");
    gpu.vendor_id = member<std::uint16_t>(it, "VendorId");
    gpu.device_id = member<std::uint16_t>(it, "DeviceId");
    gpu.model = text(it, "Vendor");
    gpu.model += (gpu.model.empty() ? "" : " ") + text(it, "Model");
    gpu.numa_node = member<int>(it, "NumaNode");
    gpu.boot_vga = member<bool>(it, "BootVga");
    gpu.iommu_groups = member<std::vector<std::uint32_t>>(it, "IommuGroups");
    gpu.state = text(it, "State");
    gpu.power_state = text(it, "PowerState");
    gpu.link = {member<std::uint32_t>(it, "LinkSpeed"), member<std::uint32_t>(it, "LinkWidth"),
                member<std::uint32_t>(it, "LinkSpeedMax"),
                member<std::uint32_t>(it, "LinkWidthMax")};
    for (const json& function : member<json>(it, "Functions")) {
        gpu.functions.push_back(function_of(function));
    }
    gpu.reset_methods = member<std::vector<std::string>>(it, "ResetMethods");
    if (const auto owner = member<std::vector<std::string>>(it, "Owner"); owner.size() == 3) {
        gpu.owner = OwnerRow{owner[0], owner[1], owner[2]};
    }
    for (const json& trial : member<json>(it, "LastReset")) {
        gpu.last_reset.push_back(reset_of(trial));
    }
    const auto error = member<std::vector<std::string>>(it, "LastError");
    if (error.size() == 2 && !error[0].empty()) gpu.last_error = ErrorRow{error[0], error[1]};
    for (const json& waiter : member<json>(it, "Queue")) {
        gpu.queue.push_back({{text(waiter, "kind"), text(waiter, "id"), text(waiter, "name")},
                             member<std::uint32_t>(waiter, "limit")});
    }
    const json job = member<json>(objects, text(it, "Job").c_str());
    if (job.contains(job_interface)) gpu.job = job_of(job.at(job_interface));
    return gpu;
}

PlanAnswer plan_of(const std::string& action, const json& lines) {
    PlanAnswer plan;
    plan.action = action;
    for (const json& line : lines) {
        if (line.contains("gpu")) {
            plan.gpu = text(line, "gpu");
            plan.device_set = member<std::vector<std::string>>(line, "device-set");
        } else if (line.contains("error")) {
            plan.refusals.push_back({text(line, "error"), text(line, "function"),
                                     text(line, "message"), text(line, "remedy")});
        } else if (line.contains("warning")) {
            plan.warnings.push_back(
                {text(line, "warning"), text(line, "function"), text(line, "message")});
        } else {
            plan.steps.push_back({text(line, "step"), text(line, "function"), text(line, "text")});
        }
    }
    return plan;
}

}  // namespace

JobRow job_of(const json& it) {
    return {text(it, "Kind"), member<std::uint64_t>(it, "Step"), member<std::uint64_t>(it, "Steps"),
            text(it, "StepName"), member<std::uint64_t>(it, "StartedAt")};
}

std::vector<GpuRow> gpus_of(const Objects& objects) {
    std::vector<GpuRow> gpus;
    for (const auto& [path, interfaces] : objects.items()) {
        if (interfaces.contains(gpu_interface)) {
            gpus.push_back(gpu_of(interfaces.at(gpu_interface), objects));
        }
    }
    std::ranges::sort(gpus, {},
                      [](const GpuRow& it) { return parse_bdf(it.address).value_or(Bdf{}); });
    return gpus;
}

Answer<Daemon> Daemon::connect(const BusChoice& choice) {
    auto bus = Bus::open(choice);
    if (!bus) return std::unexpected(bus.error());
    return Daemon(std::move(*bus));
}

Answer<Objects> Daemon::objects() {
    return first(
        bus_->call({root_path, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"}, ""),
        json::value_t::object);
}

Answer<std::vector<GpuRow>> Daemon::gpus() {
    const auto all = objects();
    if (!all) return std::unexpected(all.error());
    return gpus_of(*all);
}

Answer<std::string> Daemon::find(const std::string& name) {
    const auto path =
        first(bus_->call({root_path, manager_interface, "FindGpu"}, "s", name.c_str()),
              json::value_t::string);
    if (!path) return std::unexpected(path.error());
    return path->get<std::string>();
}

Answer<GpuRow> Daemon::gpu(const std::string& name) {
    const auto path = find(name);
    if (!path) return std::unexpected(path.error());
    const auto all = gpus();
    if (!all) return std::unexpected(all.error());
    const auto found = std::ranges::find(*all, address_of(*path), &GpuRow::address);
    if (found != all->end()) return *found;
    return std::unexpected(
        problem_of(Error{Errc::NoSuchGpu, address_of(*path) + " has just vanished", 0}));
}

Answer<PlanAnswer> Daemon::plan(const std::string& path, const std::string& action) {
    const auto lines = first(bus_->call({path, gpu_interface, "Plan"}, "sa{sv}", action.c_str(), 0),
                             json::value_t::array);
    if (!lines) return std::unexpected(lines.error());
    return plan_of(action, *lines);
}

Answer<std::vector<HolderRow>> Daemon::holders(const std::string& path) {
    const auto lines =
        first(bus_->call({path, gpu_interface, "ListHolders"}, "a{sv}", 0), json::value_t::array);
    if (!lines) return std::unexpected(lines.error());
    std::vector<HolderRow> rows;
    for (const json& it : *lines) {
        rows.push_back({text(it, "kind"), text(it, "command"), member<std::uint32_t>(it, "pid"),
                        text(it, "user"), text(it, "node"), text(it, "function"), text(it, "unit"),
                        text(it, "session")});
    }
    return rows;
}

Answer<std::vector<FindingRow>> Daemon::diagnose(const std::optional<std::string>& domain_xml) {
    const Method method{root_path, manager_interface, "Diagnose"};
    const auto lines =
        first(domain_xml ? bus_->call(method, "a{sv}", 1, "domain-xml", "s", domain_xml->c_str())
                         : bus_->call(method, "a{sv}", 0),
              json::value_t::array);
    if (!lines) return std::unexpected(lines.error());
    std::vector<FindingRow> rows;
    for (const json& it : *lines) {
        rows.push_back({text(it, "id"), text(it, "severity"), text(it, "subject"),
                        text(it, "message"), text(it, "remedy"), text(it, "documentation")});
    }
    return rows;
}

Answer<OwnerRow> Daemon::owner(const std::string& address) {
    const auto values =
        bus_->call({root_path, manager_interface, "GetOwner"}, "s", address.c_str());
    if (!values) return std::unexpected(values.error());
    if (values->size() != 3) return std::unexpected(not_understood());
    return OwnerRow{values->at(0), values->at(1), values->at(2)};
}

Answer<void> Daemon::forget(const std::string& domain) {
    const auto done =
        bus_->call({root_path, manager_interface, "ForgetDomain"}, "sa{sv}", domain.c_str(), 0);
    if (!done) return std::unexpected(done.error());
    return {};
}

std::string address_of(const std::string& path) {
    std::string address = path.substr(path.rfind('/') + 1);
    std::ranges::replace(address, '_', ':');
    if (const std::size_t last = address.rfind(':'); last != std::string::npos) address[last] = '.';
    return address;
}

}  // namespace passthru::ctl
