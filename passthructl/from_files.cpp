// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/from_files.hpp"

#include "libpassthru/config/config.hpp"
#include "libpassthru/doctor/host_doctor.hpp"
#include "libpassthru/pci/set_state.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <pwd.h>

namespace passthru::ctl {
namespace {

FunctionRow function_of(const Function& it, Role role) {
    FunctionRow row{it.bdf.str(), it.class_code,      std::string(class_name(it.class_code)),
                    it.id.vendor, it.id.device,       std::string(role_name(role)),
                    it.driver,    it.driver_override, std::nullopt};
    if (it.iommu_group) row.iommu_group = static_cast<std::uint32_t>(*it.iommu_group);
    return row;
}

GpuRow row_of(const Root& root, const Function& gpu, const DeviceSet& set,
              const Inventory& inventory) {
    GpuRow row;
    row.address = gpu.bdf.str();
    row.vendor_id = gpu.id.vendor;
    row.device_id = gpu.id.device;
    row.numa_node = gpu.numa_node;
    row.boot_vga = gpu.boot_vga;
    row.iommu_groups.assign(set.groups.begin(), set.groups.end());
    row.state = set_state_name(set_state(set, inventory));
    row.power_state = gpu.power_state;
    row.link = read_pcie_link(root, gpu.bdf, gpu.power_state);
    row.reset_methods = gpu.reset_methods;
    for (const Member& member : set.members) {
        row.functions.push_back(function_of(inventory.functions.at(member.bdf), member.role));
    }
    return row;
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
            {std::string(step_name(it)), function_shown(it, run.gpu).str(), describe(it)});
    }
    return plan;
}

HolderRow holder_row(const Holder& it) {
    const passwd* user = it.pid == 0 ? nullptr : ::getpwuid(it.uid);
    return {std::string(holder_kind_name(it.kind)),
            it.command,
            static_cast<std::uint32_t>(it.pid),
            user != nullptr ? user->pw_name : std::to_string(it.uid),
            it.node,
            it.function.str(),
            it.unit,
            it.session};
}

}  // namespace

std::vector<GpuRow> gpus_from_files(const Root& root) {
    Inventory inventory = read_inventory(root);
    if (const auto config = read_config_files(root)) {
        config->config.choose_gpus(inventory);
    }
    std::vector<GpuRow> rows;
    for (const DeviceSet& set : device_sets(inventory)) {
        for (const Bdf& bdf : set.with_role(Role::Gpu)) {
            rows.push_back(row_of(root, inventory.functions.at(bdf), set, inventory));
        }
    }
    return rows;
}

Answer<PlanAnswer> plan_from_files(const Root& root, const std::string& action,
                                   const std::string& gpu) {
    const auto bdf = parse_bdf_or_short(gpu);
    if (!bdf) return std::unexpected(problem_of(bdf.error()));
    if (action != "detach") {
        return std::unexpected(problem_of(
            Error{Errc::InvalidArgs,
                  "only a detach can be planned without passthrud: what a card was before, "
                  "passthrud knows",
                  0}));
    }
    const auto run = dry_run_detach(root, *bdf);
    if (run) return answer_of(*run);
    if (run.error().code != Errc::NoSuchGpu) return std::unexpected(problem_of(run.error()));
    PlanAnswer refused;
    refused.gpu = bdf->str();
    refused.refusals.push_back({dbus_name(Errc::NoSuchGpu), bdf->str(), run.error().message,
                                "“passthructl list” shows the GPUs of this computer"});
    return refused;
}

Answer<std::vector<FindingRow>> findings_from_files(const Root& root,
                                                    const std::optional<std::string>& domain_xml) {
    std::optional<DomainRequest> domain;
    if (domain_xml) {
        auto read = parse_domain_xml(*domain_xml);
        if (!read) return std::unexpected(problem_of(read.error()));
        domain = std::move(*read);
    }
    std::vector<FindingRow> rows;
    for (const DoctorFinding& it : diagnose(root, domain)) {
        rows.push_back({it.id, std::string(severity_name(it.severity)), it.subject, it.message,
                        it.remedy, it.documentation});
    }
    return rows;
}

Answer<std::vector<HolderRow>> holders_from_files(const Root& root, const std::string& gpu) {
    const auto bdf = parse_bdf_or_short(gpu);
    if (!bdf) return std::unexpected(problem_of(bdf.error()));
    for (const DeviceSet& set : device_sets(read_inventory(root))) {
        if (!set.contains(*bdf)) continue;
        std::vector<HolderRow> rows;
        for (const Holder& it : find_holders(root, set.functions())) rows.push_back(holder_row(it));
        return rows;
    }
    return std::unexpected(problem_of(Error{
        Errc::NoSuchGpu, fmt::format("{} belongs to no GPU of this computer", bdf->str()), 0}));
}

Answer<GpuRow> find_gpu(const std::vector<GpuRow>& gpus, const std::string& name) {
    const auto bdf = parse_bdf_or_short(name);
    if (!bdf) return std::unexpected(problem_of(bdf.error()));
    const auto is_it = [&](const GpuRow& it) { return it.address == bdf->str(); };
    const auto has_it = [&](const GpuRow& it) {
        return std::ranges::find(it.functions, bdf->str(), &FunctionRow::address) !=
               it.functions.end();
    };
    auto found = std::ranges::find_if(gpus, is_it);
    if (found == gpus.end()) found = std::ranges::find_if(gpus, has_it);
    if (found != gpus.end()) return *found;
    return std::unexpected(problem_of(Error{
        Errc::NoSuchGpu, fmt::format("{} belongs to no GPU of this computer", bdf->str()), 0}));
}

}  // namespace passthru::ctl
