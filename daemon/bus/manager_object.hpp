// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/bus/authority.hpp"
#include "daemon/bus/door.hpp"
#include "daemon/bus/requests.hpp"
#include "generated/libvirthook_adaptor.hpp"
#include "generated/manager_adaptor.hpp"

namespace passthru {

/// The object /org/passthru1: Manager, LibvirtHook and ObjectManager.
class ManagerObject final : public sdbus::AdaptorInterfaces<org::passthru1::Manager_adaptor,
                                                            org::passthru1::LibvirtHook_adaptor,
                                                            sdbus::ObjectManager_adaptor> {
public:
    ManagerObject(BusConnection& bus, Authority& authority, Requests& requests);
    ~ManagerObject();
    ManagerObject(const ManagerObject&) = delete;
    ManagerObject& operator=(const ManagerObject&) = delete;

    void set_iommu_kind(std::string kind);
    void set_libvirt_state(std::string state);
    void owner_changed(const Bdf& gpu, const Owner& before, const Owner& after);

private:
    std::tuple<std::string, std::string, std::string> GetOwner(const std::string& address) override;
    std::string Version() override;
    std::string IommuKind() override { return iommu_kind_; }
    std::string LibvirtState() override { return libvirt_state_; }
    bool HookInstalled() override { return requests_.hook_installed(); }
    sdbus::ObjectPath FindGpu(const std::string& name) override;
    void Rescan(const Options& options) override;
    void Diagnose(sdbus::Result<std::vector<Options>>&& result, Options options) override;
    void ForgetDomain(sdbus::Result<>&& result, std::string domain, Options options) override;
    void Notify(sdbus::Result<>&& result, std::string uuid, std::string name, std::string operation,
                std::string suboperation, std::string extra, sdbus::UnixFd xml,
                Options options) override;

    void property_changed(const char* name);

    Authority& authority_;
    Requests& requests_;
    std::string iommu_kind_;
    std::string libvirt_state_ = "disconnected";
};

}  // namespace passthru
