// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/bus/reply.hpp"
#include "daemon/bus/views.hpp"
#include "daemon/loop/unique_fd.hpp"
#include "libpassthru/doctor/host_doctor.hpp"
#include "libpassthru/pci/pcie_link.hpp"

#include <chrono>
#include <functional>

namespace passthru {

/// What libvirt's hook says, as it came.
struct HookCall {
    std::string client;  ///< the hook's bus name
    std::string uuid;
    std::string name;
    std::string operation;
    std::string suboperation;
    std::string extra;
    UniqueFd xml;
};

/// What the bus asks of the daemon. Whoever calls has been authorized; whether the GPU still exists
/// is looked up here.
class Requests {
public:
    virtual ~Requests() = default;

    [[nodiscard]] virtual Result<Owner> owner_of(const std::string& address) = 0;
    [[nodiscard]] virtual Result<Bdf> find_gpu(const std::string& name) = 0;
    /// What a caller of Detach wishes beyond the detach itself.
    struct DetachOptions {
        std::string client;  ///< the caller's bus name
        std::optional<std::chrono::seconds> wait;
        std::optional<std::chrono::seconds> queue;
        std::set<Errc> overrides;
    };
    virtual void plan(const Bdf& gpu, const std::string& action,
                      std::function<void(Result<DryRun>)> answered) = 0;
    virtual void list_holders(const Bdf& gpu,
                              std::function<void(Result<std::vector<Holder>>)> answered) = 0;
    virtual void forget_domain(const std::string& domain, Reply reply) = 0;
    /// What changes without an event.
    struct Power {
        std::string state = "unknown";
        PcieLink link;
    };
    [[nodiscard]] virtual Power power_of(const Bdf& gpu) = 0;
    [[nodiscard]] virtual bool hook_installed() = 0;
    /// Of the start of one VM, where its XML is given.
    virtual void diagnose(const std::optional<std::string>& domain_xml,
                          std::function<void(Result<std::vector<DoctorFinding>>)> answered) = 0;
    virtual void rescan() = 0;
    virtual void detach(const Bdf& gpu, const Owner& administrator, const DetachOptions& options,
                        Reply reply) = 0;
    virtual void reattach(const Bdf& gpu, Reply reply) = 0;
    /// The lease, and the nodes that its holder may open.
    using LeaseReply = ReplyWith<sdbus::UnixFd, std::vector<std::string>>;
    /// `user` has been authorized; `who` is what the lease is called.
    virtual void lease(const Bdf& gpu, const Owner& user, const std::string& who,
                       const std::string& why, const DetachOptions& options, LeaseReply reply) = 0;
    /// By this method only, where one is given.
    virtual void reset(const Bdf& gpu, std::optional<std::string> method, Reply reply) = 0;
    /// The images of its expansion ROM, in a sealed file.
    virtual void dump_rom(const Bdf& gpu, ReplyWith<sdbus::UnixFd> reply) = 0;
    virtual void cancel(std::uint64_t job, Reply reply) = 0;
    virtual void hook(HookCall call, Reply reply) = 0;
};

}  // namespace passthru
