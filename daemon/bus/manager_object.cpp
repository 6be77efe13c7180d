// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/manager_object.hpp"

#include "libpassthru/hostdev/domain_xml.hpp"

#include <fcntl.h>

namespace passthru {
namespace {

constexpr const char* manager_interface = org::passthru1::Manager_adaptor::INTERFACE_NAME;
constexpr const char* hook_interface = org::passthru1::LibvirtHook_adaptor::INTERFACE_NAME;
constexpr const char* object_path = "/org/passthru1";

Result<void> check_lengths(std::initializer_list<const std::string*> texts) {
    for (const std::string* text : texts) {
        if (text->size() > max_string) return fail(Errc::InvalidArgs, "an argument is too long");
    }
    return {};
}

Result<std::optional<std::string>> domain_option(const Options& options) {
    if (const auto known = check_options(options, {"domain-xml"}); !known) {
        return std::unexpected(known.error());
    }
    const auto xml = options.find("domain-xml");
    if (xml == options.end()) return std::nullopt;
    try {
        auto text = xml->second.get<std::string>();
        if (text.size() <= max_domain_xml) return text;
        return fail(Errc::InvalidArgs, "the domain XML is longer than 4 MiB");
    } catch (const sdbus::Error&) {
        return fail(Errc::InvalidArgs, "“domain-xml” is a text (s), as virsh dumpxml prints it");
    }
}

sdbus::Struct<std::string, std::string, std::string> owner_struct(const Owner& owner) {
    return {std::string(owner_kind_name(owner.kind)), owner.id, owner.name};
}

}  // namespace

ManagerObject::ManagerObject(BusConnection& bus, Authority& authority, Requests& requests)
    : AdaptorInterfaces(bus.get(), sdbus::ObjectPath{object_path}),
      authority_(authority),
      requests_(requests) {
    registerAdaptor();
}

ManagerObject::~ManagerObject() {
    unregisterAdaptor();
}

void ManagerObject::set_iommu_kind(std::string kind) {
    if (kind == iommu_kind_) return;
    iommu_kind_ = std::move(kind);
    property_changed("IommuKind");
}

void ManagerObject::set_libvirt_state(std::string state) {
    if (state == libvirt_state_) return;
    libvirt_state_ = std::move(state);
    property_changed("LibvirtState");
}

void ManagerObject::property_changed(const char* name) {
#if PASSTHRU_SDBUS_2
    getObject().emitPropertiesChangedSignal(sdbus::InterfaceName{manager_interface},
                                            std::vector{sdbus::PropertyName{name}});
#else
    getObject().emitPropertiesChangedSignal(manager_interface, {name});
#endif
}

void ManagerObject::owner_changed(const Bdf& gpu, const Owner& before, const Owner& after) {
    emitOwnerChanged(sdbus::ObjectPath{gpu_path(gpu)}, gpu.str(), owner_struct(before),
                     owner_struct(after));
}

std::string ManagerObject::Version() {
    return PASSTHRU_VERSION;
}

std::tuple<std::string, std::string, std::string> ManagerObject::GetOwner(
    const std::string& address) {
    return at_the_door([&] {
        value_or_throw(check_lengths({&address}));
        const Owner owner = value_or_throw(requests_.owner_of(address));
        return std::tuple(std::string(owner_kind_name(owner.kind)), owner.id, owner.name);
    });
}

sdbus::ObjectPath ManagerObject::FindGpu(const std::string& name) {
    return at_the_door([&] {
        value_or_throw(check_lengths({&name}));
        return sdbus::ObjectPath{gpu_path(value_or_throw(requests_.find_gpu(name)))};
    });
}

void ManagerObject::Rescan(const Options& options) {
    at_the_door([&] {
        value_or_throw(check_options(options));
        requests_.rescan();
    });
}

void ManagerObject::Diagnose(sdbus::Result<std::vector<Options>>&& result, Options options) {
    auto owed = std::make_shared<ReplyWith<std::vector<Options>>>(std::move(result));
    const auto domain_xml = domain_option(options);
    if (!domain_xml) return owed->give(std::unexpected(domain_xml.error()));
    requests_.diagnose(*domain_xml, [owed](const Result<std::vector<DoctorFinding>>& findings) {
        if (!findings) return owed->give(std::unexpected(findings.error()));
        std::vector<Options> lines;
        for (const DoctorFinding& it : *findings) {
            lines.push_back({{"id", sdbus::Variant{it.id}},
                             {"severity", sdbus::Variant{std::string(severity_name(it.severity))}},
                             {"subject", sdbus::Variant{it.subject}},
                             {"message", sdbus::Variant{it.message}},
                             {"remedy", sdbus::Variant{it.remedy}},
                             {"documentation", sdbus::Variant{it.documentation}}});
        }
        owed->give(lines);
    });
}

void ManagerObject::ForgetDomain(sdbus::Result<>&& result, std::string domain, Options options) {
    Reply reply(std::move(result));
    if (const auto known = check_options(options); !known) return reply.give(known);
    if (const auto bounded = check_lengths({&domain}); !bounded) return reply.give(bounded);
    authority_.authorize(
        caller_of(getObject()), manager_interface, "ForgetDomain", {{"domain", domain}},
        [&requests = requests_, domain,
         reply = std::make_shared<Reply>(std::move(reply))](const Result<Owner>& who) {
            if (!who) return reply->give(std::unexpected(who.error()));
            requests.forget_domain(domain, std::move(*reply));
        });
}

void ManagerObject::Notify(sdbus::Result<>&& result, std::string uuid, std::string name,
                           std::string operation, std::string suboperation, std::string extra,
                           sdbus::UnixFd xml, Options options) {
    Reply reply(std::move(result));
    if (const auto known = check_options(options); !known) return reply.give(known);
    const auto bounded = check_lengths({&uuid, &name, &operation, &suboperation, &extra});
    if (!bounded) return reply.give(bounded);
    auto call = std::make_shared<HookCall>();
    const Caller caller = caller_of(getObject());
    *call = {caller.sender,
             std::move(uuid),
             std::move(name),
             std::move(operation),
             std::move(suboperation),
             std::move(extra),
             UniqueFd(::fcntl(xml.get(), F_DUPFD_CLOEXEC, 3))};
    authority_.authorize(
        caller, hook_interface, "Notify", {},
        [&requests = requests_, call,
         reply = std::make_shared<Reply>(std::move(reply))](const Result<Owner>& who) {
            if (!who) return reply->give(std::unexpected(who.error()));
            requests.hook(std::move(*call), std::move(*reply));
        });
}

}  // namespace passthru
