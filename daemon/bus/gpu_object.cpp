// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/gpu_object.hpp"

#include <algorithm>
#include <vector>

namespace passthru {
namespace {

constexpr const char* gpu_interface = org::passthru1::Gpu_adaptor::INTERFACE_NAME;

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

std::vector<std::string> addresses(const std::vector<Bdf>& functions) {
    std::vector<std::string> result;
    for (const Bdf& bdf : functions) result.push_back(bdf.str());
    return result;
}

std::vector<Options> plan_lines(const DryRun& run) {
    std::vector<Options> lines;
    lines.push_back({{"gpu", sdbus::Variant{run.gpu.str()}},
                     {"device-set", sdbus::Variant{addresses(run.device_set)}}});
    for (const Refusal& it : run.judgement.refusals) {
        lines.push_back({{"error", sdbus::Variant{dbus_name(it.code)}},
                         {"function", sdbus::Variant{it.function.str()}},
                         {"message", sdbus::Variant{it.message()}},
                         {"remedy", sdbus::Variant{it.remedy}}});
    }
    for (const Warning& it : run.judgement.warnings) {
        lines.push_back({{"warning", sdbus::Variant{it.name}},
                         {"function", sdbus::Variant{it.function.str()}},
                         {"message", sdbus::Variant{it.message}}});
    }
    for (const Step& it : run.steps) {
        lines.push_back({{"step", sdbus::Variant{std::string(step_name(it))}},
                         {"function", sdbus::Variant{function_shown(it, run.gpu).str()}},
                         {"text", sdbus::Variant{describe(it)}}});
    }
    return lines;
}

Options holder_options(const Holder& holder) {
    Options result{
        {"kind", sdbus::Variant{std::string(holder_kind_name(holder.kind))}},
        {"command", sdbus::Variant{holder.command}},
        {"pid", sdbus::Variant{static_cast<std::uint32_t>(holder.pid)}},
        {"uid", sdbus::Variant{static_cast<std::uint32_t>(holder.uid)}},
        {"user", sdbus::Variant{user_name(holder.uid)}},
        {"node", sdbus::Variant{holder.node}},
        {"function", sdbus::Variant{holder.function.str()}},
    };
    if (!holder.unit.empty()) result.emplace("unit", sdbus::Variant{holder.unit});
    if (!holder.session.empty()) result.emplace("session", sdbus::Variant{holder.session});
    return result;
}

/// Whole seconds from 1 to `most`; sdbus::Error where it is no number.
Result<std::optional<std::chrono::seconds>> seconds_option(const Options& options, const char* name,
                                                           std::chrono::seconds most) {
    const auto found = options.find(name);
    if (found == options.end()) return std::nullopt;
    const std::chrono::seconds value(found->second.get<std::uint32_t>());
    if (value.count() >= 1 && value <= most) return value;
    return fail(Errc::InvalidArgs, fmt::format("“{}” is from 1 to {} seconds", name, most.count()));
}

Result<Requests::DetachOptions> detach_options(const Options& options) {
    if (const auto known = check_options(options, {"wait", "queue", "override"}); !known) {
        return std::unexpected(known.error());
    }
    Requests::DetachOptions result;
    try {
        const auto wait = seconds_option(options, "wait", max_wait);
        if (!wait) return std::unexpected(wait.error());
        const auto queue = seconds_option(options, "queue", max_queue);
        if (!queue) return std::unexpected(queue.error());
        result.wait = *wait;
        result.queue = *queue;
        if (const auto names = options.find("override"); names != options.end()) {
            for (const auto& name : names->second.get<std::vector<std::string>>()) {
                const Errc check = errc_from_name(name);
                if (!overridable().contains(check)) {
                    return fail(
                        Errc::InvalidArgs,
                        fmt::format("the check “{:.40}” cannot be passed over: only BootGpu, "
                                    "InUse and HostCritical",
                                    name));
                }
                result.overrides.insert(check);
            }
        }
    } catch (const sdbus::Error&) {
        return fail(Errc::InvalidArgs,
                    "“wait” and “queue” are numbers (u), “override” is a list of names (as)");
    }
    return result;
}

Result<std::optional<std::string>> reset_method(const Options& options) {
    if (const auto known = check_options(options, {"method"}); !known) {
        return std::unexpected(known.error());
    }
    const auto method = options.find("method");
    if (method == options.end()) return std::nullopt;
    try {
        auto name = method->second.get<std::string>();
        if (is_reset_method(name)) return name;
        return fail(Errc::InvalidArgs, fmt::format("“{:.40}” is not the name of a method", name));
    } catch (const sdbus::Error&) {
        return fail(Errc::InvalidArgs, "“method” is a name (s), such as flr");
    }
}

/// Both stand in sentences and in the journal.
Result<void> check_lease_names(const std::string& who, const std::string& why) {
    constexpr std::size_t longest = 128;
    for (const auto& [name, text] : {std::pair{"who", &who}, std::pair{"why", &why}}) {
        const bool plain =
            std::ranges::none_of(*text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
        if (text->empty() || text->size() > longest || !plain) {
            return fail(Errc::InvalidArgs,
                        fmt::format("“{}” is a line of 1 to {} bytes", name, longest));
        }
    }
    return {};
}

Options trial_options(const ResetTrial& trial) {
    return {
        {"method", sdbus::Variant{trial.method}},
        {"at", sdbus::Variant{trial.at}},
        {"duration", sdbus::Variant{static_cast<std::uint64_t>(trial.took.count())}},
        {"result", sdbus::Variant{std::string(trial_end_name(trial.end))}},
        {"message", sdbus::Variant{trial.message}},
        {"function", sdbus::Variant{trial.function.str()}},
    };
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
    power_until_ = {};
    std::vector<std::string> changed;
    const auto note = [&](bool differs, const char* name) {
        if (differs) changed.emplace_back(name);
    };
    note(before.iommu_groups != view_.iommu_groups, "IommuGroups");
    note(before.state != view_.state, "State");
    note(before.owner != view_.owner, "Owner");
    note(before.functions != view_.functions, "Functions");
    note(before.reset_methods != view_.reset_methods, "ResetMethods");
    note(before.last_reset != view_.last_reset, "LastReset");
    note(before.error_name != view_.error_name || before.error_message != view_.error_message,
         "LastError");
    note(before.job != view_.job, "Job");
    note(before.queue != view_.queue, "Queue");
    if (changed.empty()) return;
#if PASSTHRU_SDBUS_2
    std::vector<sdbus::PropertyName> names;
    for (std::string& name : changed) names.emplace_back(std::move(name));
    getObject().emitPropertiesChangedSignal(sdbus::InterfaceName{gpu_interface}, names);
#else
    getObject().emitPropertiesChangedSignal(gpu_interface, changed);
#endif
}

template <typename Owed>
void GpuObject::admit(const char* method, std::shared_ptr<Owed> owed,
                      std::function<void(const passthru::Owner&)> admitted, bool overrides) {
    const Caller caller = caller_of(getObject());
    const std::map<std::string, std::string> details{{"gpu", view_.bdf.str()}};
    // The object may be gone, with its card, when polkit answers.
    const Authority::Decision decided =
        [&authority = authority_, owed = std::move(owed),
         admitted = std::move(admitted)](const Result<passthru::Owner>& who) {
            if (!who) return owed->give(std::unexpected(who.error()));
            auto counted = authority.count_call(*who);
            if (!counted) return owed->give(std::unexpected(counted.error()));
            owed->hold(std::move(*counted));
            admitted(*who);
        };
    if (!overrides) {
        return authority_.authorize(caller, gpu_interface, method, details, decided);
    }
    authority_.authorize(
        caller, gpu_interface, method, details,
        [&authority = authority_, caller, details, decided](const Result<passthru::Owner>& who) {
            if (!who) return decided(who);
            authority.authorize_override(caller, details, decided);
        });
}

void GpuObject::Detach(sdbus::Result<>&& result, Options options) {
    auto owed = std::make_shared<Reply>(std::move(result));
    auto wishes = detach_options(options);
    if (!wishes) return owed->give(std::unexpected(wishes.error()));
    wishes->client = caller_of(getObject()).sender;
    admit(
        "Detach", owed,
        [&requests = requests_, bdf = view_.bdf, wishes = *wishes,
         owed](const passthru::Owner& who) { requests.detach(bdf, who, wishes, std::move(*owed)); },
        !wishes->overrides.empty());
}

void GpuObject::Lease(sdbus::Result<sdbus::UnixFd, std::vector<std::string>>&& result,
                      std::string who, std::string why, Options options) {
    auto owed = std::make_shared<Requests::LeaseReply>(std::move(result));
    auto wishes = detach_options(options);
    if (!wishes) return owed->give(std::unexpected(wishes.error()));
    wishes->client = caller_of(getObject()).sender;
    if (const auto named = check_lease_names(who, why); !named) {
        return owed->give(std::unexpected(named.error()));
    }
    admit(
        "Lease", owed,
        [&requests = requests_, bdf = view_.bdf, wishes = *wishes, owed, who,
         why](const passthru::Owner& user) {
            requests.lease(bdf, user, who, why, wishes, std::move(*owed));
        },
        !wishes->overrides.empty());
}

void GpuObject::Reattach(sdbus::Result<>&& result, Options options) {
    auto owed = std::make_shared<Reply>(std::move(result));
    if (const auto known = check_options(options); !known) return owed->give(known);
    admit("Reattach", owed,
          [&requests = requests_, gpu = view_.bdf, owed](const passthru::Owner& /*who*/) {
              requests.reattach(gpu, std::move(*owed));
          });
}

void GpuObject::Reset(sdbus::Result<>&& result, Options options) {
    auto owed = std::make_shared<Reply>(std::move(result));
    const auto method = reset_method(options);
    if (!method) return owed->give(std::unexpected(method.error()));
    admit("Reset", owed,
          [&requests = requests_, gpu = view_.bdf, method = *method, owed](
              const passthru::Owner& /*who*/) { requests.reset(gpu, method, std::move(*owed)); });
}

void GpuObject::DumpRom(sdbus::Result<sdbus::UnixFd>&& result, Options options) {
    auto owed = std::make_shared<ReplyWith<sdbus::UnixFd>>(std::move(result));
    if (const auto known = check_options(options); !known) {
        return owed->give(std::unexpected(known.error()));
    }
    admit("DumpRom", owed,
          [&requests = requests_, gpu = view_.bdf, owed](const passthru::Owner& /*who*/) {
              requests.dump_rom(gpu, std::move(*owed));
          });
}

void GpuObject::Plan(sdbus::Result<std::vector<Options>>&& result, std::string action,
                     Options options) {
    auto owed = std::make_shared<ReplyWith<std::vector<Options>>>(std::move(result));
    if (const auto known = check_options(options); !known) {
        return owed->give(std::unexpected(known.error()));
    }
    requests_.plan(view_.bdf, action, [owed](const Result<DryRun>& run) {
        if (!run) return owed->give(std::unexpected(run.error()));
        owed->give(plan_lines(*run));
    });
}

void GpuObject::ListHolders(sdbus::Result<std::vector<Options>>&& result, Options options) {
    auto owed = std::make_shared<ReplyWith<std::vector<Options>>>(std::move(result));
    if (const auto known = check_options(options); !known) {
        return owed->give(std::unexpected(known.error()));
    }
    requests_.list_holders(view_.bdf, [owed](const Result<std::vector<Holder>>& holders) {
        if (!holders) return owed->give(std::unexpected(holders.error()));
        std::vector<Options> lines;
        for (const Holder& holder : *holders) lines.push_back(holder_options(holder));
        owed->give(lines);
    });
}

void GpuObject::release_requested(std::uint64_t deadline_usec, const std::string& reason) {
    emitReleaseRequested(deadline_usec, reason);
}

void GpuObject::returned() {
    emitReturned();
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

std::vector<Options> GpuObject::Queue() {
    std::vector<Options> result;
    for (const WaiterView& it : view_.queue) {
        result.push_back({
            {"job", sdbus::Variant{sdbus::ObjectPath{job_path(it.job)}}},
            {"kind", sdbus::Variant{std::string(owner_kind_name(it.owner.kind))}},
            {"id", sdbus::Variant{it.owner.id}},
            {"name", sdbus::Variant{it.owner.name}},
            {"client", sdbus::Variant{it.client}},
            {"limit", sdbus::Variant{it.limit}},
        });
    }
    return result;
}

const Requests::Power& GpuObject::power() {
    // Who asks for all properties asks for it five times.
    constexpr std::chrono::milliseconds fresh{100};
    const auto now = std::chrono::steady_clock::now();
    if (now >= power_until_) {
        power_ = requests_.power_of(view_.bdf);
        power_until_ = now + fresh;
    }
    return power_;
}

std::vector<Options> GpuObject::LastReset() {
    std::vector<Options> result;
    for (const ResetTrial& trial : view_.last_reset) result.push_back(trial_options(trial));
    return result;
}

}  // namespace passthru
