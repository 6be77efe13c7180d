// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/gpu_object.hpp"

#include <vector>

namespace passthru {
namespace {

constexpr const char* interface_name = org::passthru1::Gpu_adaptor::INTERFACE_NAME;

Options function_options(const FunctionView& function) {
    Options result{
        {"address", sdbus::Variant{function.address}},
        {"class", sdbus::Variant{function.class_code}},
        {"class-name", sdbus::Variant{function.class_name}},
        {"vendor-id", sdbus::Variant{function.vendor_id}},
        {"device-id", sdbus::Variant{function.device_id}},
        {"role", sdbus::Variant{function.role}},
    };
    if (function.driver) result.emplace("driver", sdbus::Variant{*function.driver});
    if (function.driver_override) {
        result.emplace("driver-override", sdbus::Variant{*function.driver_override});
    }
    if (function.iommu_group) result.emplace("iommu-group", sdbus::Variant{*function.iommu_group});
    return result;
}

}  // namespace

GpuObject::GpuObject(BusConnection& bus, Authority& authority, Requests& requests, GpuView view)
    : AdaptorInterfaces(bus.get(), sdbus::ObjectPath{gpu_path(view.bdf)}),
      authority_(authority),
      requests_(requests),
      view_(std::move(view)) {
    registerAdaptor();
    getObject().emitInterfacesAddedSignal();
}

GpuObject::~GpuObject() {
    try {
        getObject().emitInterfacesRemovedSignal();
        // NOLINTNEXTLINE(bugprone-empty-catch)
    } catch (const sdbus::Error&) {
        // The bus is gone, and with it who would listen.
    }
    unregisterAdaptor();
}

void GpuObject::update(GpuView view) {
    if (view == view_) return;
    const GpuView before = std::exchange(view_, std::move(view));
    std::vector<std::string> changed;
    const auto note = [&](bool differs, const char* name) {
        if (differs) changed.emplace_back(name);
    };
    note(before.iommu_groups != view_.iommu_groups, "IommuGroups");
    note(before.state != view_.state, "State");
    note(before.owner != view_.owner, "Owner");
    note(before.functions != view_.functions, "Functions");
    note(before.reset_methods != view_.reset_methods, "ResetMethods");
    note(before.error_name != view_.error_name || before.error_message != view_.error_message,
         "LastError");
    note(before.job != view_.job, "Job");
    if (changed.empty()) return;
#if PASSTHRU_SDBUS_2
    std::vector<sdbus::PropertyName> names;
    for (std::string& name : changed) names.emplace_back(std::move(name));
    getObject().emitPropertiesChangedSignal(sdbus::InterfaceName{interface_name}, names);
#else
    getObject().emitPropertiesChangedSignal(interface_name, changed);
#endif
}

void GpuObject::Detach(sdbus::Result<>&& result, Options options) {
    Reply reply(std::move(result));
    if (const auto known = check_options(options); !known) return reply.give(known);
    // The object may vanish while somebody types a password: nothing of it is kept.
    authority_.authorize(
        caller_of(getObject()), interface_name, "Detach", {{"gpu", view_.bdf.str()}},
        [&requests = requests_, gpu = view_.bdf,
         reply = std::make_shared<Reply>(std::move(reply))](const Result<passthru::Owner>& who) {
            if (!who) return reply->give(std::unexpected(who.error()));
            requests.detach(gpu, *who, std::move(*reply));
        });
}

void GpuObject::Reattach(sdbus::Result<>&& result, Options options) {
    Reply reply(std::move(result));
    if (const auto known = check_options(options); !known) return reply.give(known);
    authority_.authorize(
        caller_of(getObject()), interface_name, "Reattach", {{"gpu", view_.bdf.str()}},
        [&requests = requests_, gpu = view_.bdf,
         reply = std::make_shared<Reply>(std::move(reply))](const Result<passthru::Owner>& who) {
            if (!who) return reply->give(std::unexpected(who.error()));
            requests.reattach(gpu, std::move(*reply));
        });
}

std::vector<Options> GpuObject::Plan(const std::string& action, const Options& options) {
    return at_the_door([&] {
        value_or_throw(check_options(options));
        std::vector<Options> lines;
        for (const PlanLine& line : value_or_throw(requests_.plan(view_.bdf, action))) {
            if (!line.error_name.empty()) {
                lines.push_back({{"error", sdbus::Variant{line.error_name}},
                                 {"message", sdbus::Variant{line.error_message}}});
                continue;
            }
            lines.push_back({{"step", sdbus::Variant{line.step}},
                             {"function", sdbus::Variant{line.function}},
                             {"text", sdbus::Variant{line.text}}});
        }
        return lines;
    });
}

GpuObject::Strings3 GpuObject::Owner() {
    return {std::string(owner_kind_name(view_.owner.kind)), view_.owner.id, view_.owner.name};
}

std::vector<Options> GpuObject::Functions() {
    std::vector<Options> result;
    for (const FunctionView& function : view_.functions)
        result.push_back(function_options(function));
    return result;
}

}  // namespace passthru
