// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/present.hpp"

#include <fmt/format.h>

namespace passthru {
namespace {

FunctionView present_function(const Function& function, Role role) {
    FunctionView view;
    view.address = function.bdf.str();
    view.class_code = function.class_code;
    view.class_name = class_name(function.class_code);
    view.vendor_id = function.id.vendor;
    view.device_id = function.id.device;
    view.role = role_name(role);
    view.driver = function.driver;
    view.driver_override = function.driver_override;
    if (function.iommu_group) view.iommu_group = static_cast<std::uint32_t>(*function.iommu_group);
    return view;
}

}  // namespace

GpuView present_gpu(const Function& gpu, const SetEntry& entry, const Inventory& inventory,
                    const CardName& name) {
    const SetState read = set_state(entry.set, inventory);
    GpuView view;
    view.bdf = gpu.bdf;
    view.vendor_id = gpu.id.vendor;
    view.device_id = gpu.id.device;
    view.vendor = name.vendor;
    view.model = name.model;
    view.numa_node = gpu.numa_node;
    view.boot_vga = gpu.boot_vga;
    for (const int group : entry.set.groups)
        view.iommu_groups.push_back(static_cast<std::uint32_t>(group));
    view.state = state_name(entry.assignment, read);
    view.owner = shown_owner(entry.assignment, read);
    for (const Member& member : entry.set.members) {
        const Function* function = inventory.find(member.bdf);
        if (function != nullptr) view.functions.push_back(present_function(*function, member.role));
    }
    view.reset_methods = gpu.reset_methods;
    view.last_reset = entry.last_reset;
    if (entry.last_error) {
        view.error_name = dbus_name(entry.last_error->code);
        view.error_message = entry.last_error->message;
    }
    view.job = entry.job ? entry.job->number : 0;
    for (const Waiter& it : entry.assignment.queue) {
        view.queue.push_back({it.wanted.ticket, it.wanted.owner, it.wanted.client,
                              static_cast<std::uint32_t>(it.wanted.wishes.policy.queue.count())});
    }
    return view;
}

JobView present_job(const SetEntry& entry) {
    const Assignment& assignment = entry.assignment;
    JobView view;
    view.number = entry.job->number;
    view.gpu = entry.set.id();
    view.kind = plan_kind_name(assignment.plan.kind);
    view.started_at = entry.job->started_at;
    view.steps = static_cast<std::uint32_t>(assignment.plan.steps.size());
    view.step = static_cast<std::uint32_t>(assignment.steps_done);
    if (assignment.steps_done < assignment.plan.steps.size()) {
        view.step_name = describe(assignment.plan.steps[assignment.steps_done]);
    }
    return view;
}

JobView present_wait(const SetEntry& entry, const Waiter& waiter, std::uint64_t started_at) {
    JobView view;
    view.number = waiter.wanted.ticket;
    view.gpu = entry.set.id();
    view.kind = "wait";
    view.started_at = started_at;
    view.step_name = fmt::format("wait for {}", describe(entry.assignment.owner));
    return view;
}

}  // namespace passthru
