// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/bus/authority.hpp"
#include "daemon/bus/door.hpp"
#include "daemon/bus/requests.hpp"
#include "generated/gpu_adaptor.hpp"

#include <chrono>

namespace passthru {

/// org.passthru1.Gpu of one GPU. Shows the view that it was given last and says what has changed.
class GpuObject final : public sdbus::AdaptorInterfaces<org::passthru1::Gpu_adaptor> {
public:
    GpuObject(BusConnection& bus, Authority& authority, Requests& requests, GpuView view);
    ~GpuObject();
    GpuObject(const GpuObject&) = delete;
    GpuObject& operator=(const GpuObject&) = delete;

    void update(GpuView view);
    void release_requested(std::uint64_t deadline_usec, const std::string& reason);
    void returned();
    [[nodiscard]] const GpuView& view() const { return view_; }

private:
    using Strings3 = sdbus::Struct<std::string, std::string, std::string>;
    using Strings2 = sdbus::Struct<std::string, std::string>;

    void Detach(sdbus::Result<>&& result, Options options) override;
    void Reattach(sdbus::Result<>&& result, Options options) override;
    void Lease(sdbus::Result<sdbus::UnixFd, std::vector<std::string>>&& result, std::string who,
               std::string why, Options options) override;
    void Reset(sdbus::Result<>&& result, Options options) override;
    void DumpRom(sdbus::Result<sdbus::UnixFd>&& result, Options options) override;
    void Plan(sdbus::Result<std::vector<Options>>&& result, std::string action,
              Options options) override;
    void ListHolders(sdbus::Result<std::vector<Options>>&& result, Options options) override;

    /// Goes on with `admitted` where the caller may call this method, with overrides of checks too,
    /// and has not too many calls under way; else gives `owed` the reason.
    template <typename Owed>
    void admit(const char* method, std::shared_ptr<Owed> owed,
               std::function<void(const passthru::Owner&)> admitted, bool overrides = false);

    std::string Address() override { return view_.bdf.str(); }
    std::uint16_t VendorId() override { return view_.vendor_id; }
    std::uint16_t DeviceId() override { return view_.device_id; }
    std::string Vendor() override { return view_.vendor; }
    std::string Model() override { return view_.model; }
    std::int32_t NumaNode() override { return view_.numa_node; }
    bool BootVga() override { return view_.boot_vga; }
    std::vector<std::uint32_t> IommuGroups() override { return view_.iommu_groups; }
    std::string State() override { return view_.state; }
    Strings3 Owner() override;
    std::vector<Options> Functions() override;
    std::vector<std::string> ResetMethods() override { return view_.reset_methods; }
    std::vector<Options> LastReset() override;
    Strings2 LastError() override { return {view_.error_name, view_.error_message}; }
    sdbus::ObjectPath Job() override { return sdbus::ObjectPath{job_path(view_.job)}; }
    std::vector<Options> Queue() override;
    std::string PowerState() override { return power().state; }
    std::uint32_t LinkSpeed() override { return power().link.speed; }
    std::uint32_t LinkSpeedMax() override { return power().link.speed_max; }
    std::uint32_t LinkWidth() override { return power().link.width; }
    std::uint32_t LinkWidthMax() override { return power().link.width_max; }
    const Requests::Power& power();

    Authority& authority_;
    Requests& requests_;
    GpuView view_;
    Requests::Power power_;
    std::chrono::steady_clock::time_point power_until_;  ///< when it is read again
};

}  // namespace passthru
