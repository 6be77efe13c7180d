// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/bus/authority.hpp"
#include "daemon/bus/gpu_object.hpp"
#include "daemon/bus/job_object.hpp"
#include "daemon/bus/manager_object.hpp"
#include "daemon/bus/sleep_lock.hpp"
#include "daemon/hook_service.hpp"
#include "daemon/lease_service.hpp"
#include "daemon/libvirt/domain_watch.hpp"
#include "daemon/present.hpp"
#include "daemon/rom_reader.hpp"
#include "daemon/udev/pci_monitor.hpp"

namespace passthru {

/// What the command line says.
struct Settings {
    std::filesystem::path root = "/";
    std::filesystem::path runtime_folder = "/run/passthru";
    std::filesystem::path state_folder = "/var/lib/passthru";
    std::string libvirt_uri = "qemu:///system";
    WorkerAccess worker;
    std::chrono::seconds step_limit{30};
    /// Should libvirt's event of a VM's end ever be lost, with its hook, the GPU is back after
    /// this.
    std::chrono::microseconds reconcile_interval = std::chrono::minutes(2);
};

/// The daemon: joins the bus, udev and libvirt to the ring. Here, and only here, everything knows
/// everything.
class Wiring final : public Requests {
public:
    Wiring(EventLoop& loop, const Settings& settings);
    ~Wiring() override;
    Wiring(const Wiring&) = delete;
    Wiring& operator=(const Wiring&) = delete;

    /// Takes the bus name, reads the machine, shows the objects; libvirt is contacted afterwards.
    [[nodiscard]] Result<void> start();

    /// Reads the configuration and the machine anew; a configuration with a mistake is not taken.
    void reload();

    Result<Owner> owner_of(const std::string& address) override;
    Result<Bdf> find_gpu(const std::string& name) override;
    void plan(const Bdf& gpu, const std::string& action,
              std::function<void(Result<DryRun>)> answered) override;
    void list_holders(const Bdf& gpu,
                      std::function<void(Result<std::vector<Holder>>)> answered) override;
    void forget_domain(const std::string& domain, Reply reply) override;
    void dump_rom(const Bdf& gpu, ReplyWith<sdbus::UnixFd> reply) override;
    Power power_of(const Bdf& gpu) override;
    bool hook_installed() override;
    void diagnose(const std::optional<std::string>& domain_xml,
                  std::function<void(Result<std::vector<DoctorFinding>>)> answered) override;
    void rescan() override;
    void detach(const Bdf& gpu, const Owner& administrator, const DetachOptions& options,
                Reply reply) override;
    void reattach(const Bdf& gpu, Reply reply) override;
    void lease(const Bdf& gpu, const Owner& user, const std::string& who, const std::string& why,
               const DetachOptions& options, LeaseReply reply) override;
    void reset(const Bdf& gpu, std::optional<std::string> method, Reply reply) override;
    void cancel(std::uint64_t job, Reply reply) override;
    void hook(HookCall call, Reply reply) override;

private:
    void present();
    void present_jobs();
    void watch_waiting_clients();
    void client_left(const std::string& client);
    void job_ended(std::uint64_t job, const Result<void>& result);
    void release_requested(const Bdf& set, std::chrono::seconds limit, const std::string& who);
    [[nodiscard]] bool read_config();
    void on_libvirt(const LibvirtEvent& event);
    void list_domains_when_allowed();
    void woke_up();
    [[nodiscard]] DetachWishes wishes_of(const Bdf& set, const Bdf& gpu,
                                         const DetachOptions& options) const;
    void reconcile_later();
    [[nodiscard]] Result<DomainRequest> read_request(const HookCall& call) const;
    [[nodiscard]] Result<Bdf> set_of(const Bdf& gpu) const;
    [[nodiscard]] const CardName& name_of(const Function& gpu);

    EventLoop& loop_;
    Settings settings_;
    BusConnection bus_;
    Authority authority_;
    ManagerObject manager_;
    SleepLock sleep_lock_;
    Ring ring_;
    RomReader roms_;
    LeaseService leases_;
    DomainMemory memory_;
    HookService hooks_;
    std::map<Bdf, std::unique_ptr<GpuObject>> gpus_;
    std::map<std::uint64_t, std::unique_ptr<JobObject>> jobs_;
    std::map<std::string, Departure> departures_;
    std::map<std::string, CardName> names_;
    std::unique_ptr<PciMonitor> udev_;
    std::unique_ptr<DomainWatch> libvirt_;
    EventSource refresh_soon_;
    EventSource reconcile_;
    bool reconcile_due_ = false;
    int hooks_in_flight_ = 0;
    bool list_wanted_ = false;
};

}  // namespace passthru
