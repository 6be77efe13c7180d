// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "passthructl/answers.hpp"
#include "passthructl/bus.hpp"

namespace passthru::ctl {

inline constexpr const char* root_path = "/org/passthru1";
inline constexpr const char* gpu_interface = "org.passthru1.Gpu";
inline constexpr const char* job_interface = "org.passthru1.Job";

/// passthrud's objects: path → interface → properties.
using Objects = nlohmann::json;

/// The GPUs among them, in order of address, each with its running job.
[[nodiscard]] std::vector<GpuRow> gpus_of(const Objects& objects);
[[nodiscard]] JobRow job_of(const nlohmann::json& properties);

/// passthrud's questions and answers. Every call may fail with what passthrud said, or with
/// NoDaemon when it cannot be reached.
class Daemon {
public:
    [[nodiscard]] static Answer<Daemon> connect(const BusChoice& choice);

    [[nodiscard]] Answer<Objects> objects();
    [[nodiscard]] Answer<std::vector<GpuRow>> gpus();
    /// The object of the GPU that an address, a short address or a unique part of its name means.
    [[nodiscard]] Answer<std::string> find(const std::string& name);
    [[nodiscard]] Answer<GpuRow> gpu(const std::string& name);
    [[nodiscard]] Answer<PlanAnswer> plan(const std::string& path, const std::string& action);
    [[nodiscard]] Answer<std::vector<HolderRow>> holders(const std::string& path);
    /// Of the start of one VM, where its XML is given.
    Answer<std::vector<FindingRow>> diagnose(const std::optional<std::string>& domain_xml);
    [[nodiscard]] Answer<OwnerRow> owner(const std::string& address);
    /// The domain's devices are remembered no longer; for a VM whose devices have really changed.
    [[nodiscard]] Answer<void> forget(const std::string& domain);
    [[nodiscard]] Bus& bus() { return *bus_; }

private:
    explicit Daemon(std::unique_ptr<Bus> bus) : bus_(std::move(bus)) {}
    std::unique_ptr<Bus> bus_;
};

/// `0000:01:00.0` for `/org/passthru1/gpu/0000_01_00_0`.
[[nodiscard]] std::string address_of(const std::string& path);

}  // namespace passthru::ctl
