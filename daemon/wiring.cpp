// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/wiring.hpp"

#include "daemon/diagnosis.hpp"
#include "daemon/udev/hwdb.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace passthru {
namespace {

/// A detach makes a dozen udev events within a few milliseconds; the machine is read once for all
/// of them.
constexpr std::chrono::milliseconds settle_time{20};

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

/// Why this address means none of our GPUs.
std::string no_gpu_at(const Bdf& bdf, const Inventory& inventory) {
    const Function* function = inventory.find(bdf);
    if (function != nullptr && function->is_gpu() && inventory.left_out.contains(bdf)) {
        return fmt::format("{} is left alone: passthrud.conf(5) excludes it", bdf.str());
    }
    return fmt::format("{} belongs to no GPU of this computer", bdf.str());
}

std::unexpected<Error> gone(const Bdf& gpu) {
    return fail(Errc::NoSuchGpu, fmt::format("there is no GPU at {} any more", gpu.str()));
}

}  // namespace

Wiring::Wiring(EventLoop& loop, const Settings& settings)
    : loop_(loop),
      settings_(settings),
      bus_(loop),
      authority_(bus_),
      manager_(bus_, authority_, *this),
      sleep_lock_(bus_, [this] { woke_up(); }),
      ring_(loop, {Root(settings.root), settings.worker, settings.step_limit},
            Journal(settings.runtime_folder / "sets", read_boot_id(Root(settings.root))),
            {[this] { present(); },
             [this](const Bdf& set, std::chrono::seconds limit, const std::string& who) {
                 release_requested(set, limit, who);
             },
             [this](std::uint64_t job, const Result<void>& result) { job_ended(job, result); }}),
      roms_(loop, settings.worker, settings.step_limit),
      leases_(loop, ring_, Root(settings.root)),
      memory_(settings.state_folder / "domains"),
      hooks_(ring_, memory_) {}

Wiring::~Wiring() = default;

Result<void> Wiring::start() {
    // The name first: a second passthrud must not go on with the work of the one that has it. Calls
    // wait for the loop.
    if (auto taken = bus_.take_name("org.passthru1"); !taken) return taken;
    auto monitor = PciMonitor::open(
        loop_, [this] { refresh_soon_ = loop_.after(settle_time, [this] { ring_.refresh(); }); });
    // Without udev, as in a container, Rescan still works.
    if (!monitor) {
        spdlog::warn("changes of the hardware are not noticed: {}", monitor.error().message);
    } else {
        udev_ = std::move(*monitor);
    }
    if (!read_config()) spdlog::warn("the configuration is not taken: passthrud works without one");
    leases_.adopt();
    ring_.start();
    leases_.end_lost();
    libvirt_ =
        std::make_unique<DomainWatch>(loop_, settings_.libvirt_uri, Root(settings_.root),
                                      [this](const LibvirtEvent& event) { on_libvirt(event); });
    return {};
}

void Wiring::reload() {
    if (!read_config()) spdlog::warn("the configuration stays as it was");
    ring_.refresh();
}

bool Wiring::read_config() {
    ReadQuirks quirks = read_quirk_files(Root(settings_.root));
    for (const std::string& problem : quirks.problems) spdlog::warn("{}", problem);
    ring_.set_quirks(std::move(quirks.quirks));
    auto read = read_config_files(Root(settings_.root));
    if (!read) {
        spdlog::error("{}", read.error().message);
        return false;
    }
    for (const std::string& warning : read->warnings) spdlog::warn("{}", warning);
    ring_.set_config(std::move(read->config));
    return true;
}

Result<Owner> Wiring::owner_of(const std::string& address) {
    const auto bdf = parse_bdf_or_short(address);
    if (!bdf) return std::unexpected(bdf.error());
    const auto set = ring_.set_with(*bdf);
    if (!set) return fail(Errc::NoSuchGpu, no_gpu_at(*bdf, ring_.inventory()));
    const SetEntry& entry = ring_.sets().at(*set);
    return shown_owner(entry.assignment, set_state(entry.set, ring_.inventory()));
}

Result<Bdf> Wiring::find_gpu(const std::string& name) {
    if (const auto bdf = parse_bdf_or_short(name)) {
        if (gpus_.contains(*bdf)) return *bdf;
        // A companion's address means its card.
        if (const auto set = ring_.set_with(*bdf)) return *set;
        return fail(Errc::NoSuchGpu, no_gpu_at(*bdf, ring_.inventory()));
    }
    std::vector<Bdf> found;
    for (const auto& [bdf, object] : gpus_) {
        const GpuView& view = object->view();
        if (!name.empty() && lower(view.vendor + " " + view.model).contains(lower(name)))
            found.push_back(bdf);
    }
    if (found.size() == 1) return found.front();
    return fail(Errc::NoSuchGpu,
                fmt::format("“{:.60}” fits {} GPUs: name one by its address, such as 0000:01:00.0",
                            name, found.empty() ? "none of the" : "several"));
}

void Wiring::plan(const Bdf& gpu, const std::string& action,
                  std::function<void(Result<DryRun>)> answered) {
    const auto set = set_of(gpu);
    if (!set) return answered(std::unexpected(set.error()));
    if (action == "reattach") return answered(ring_.dry_run_reattach(gpu));
    if (action == "reset") return answered(ring_.dry_run_reset(gpu));
    if (action != "detach") {
        return answered(fail(
            Errc::InvalidArgs,
            fmt::format("“{:.40}” cannot be planned: only detach, reattach and reset", action)));
    }
    ring_.inspect(*set, [this, gpu, answered = std::move(answered)](Result<Findings> found) {
        if (!found) return answered(std::unexpected(found.error()));
        const auto now = set_of(gpu);
        if (!now) return answered(std::unexpected(now.error()));
        answered(ring_.dry_run_detach(gpu, *found, {OwnerKind::Administrator, "", ""}, {gpu}));
    });
}

void Wiring::list_holders(const Bdf& gpu,
                          std::function<void(Result<std::vector<Holder>>)> answered) {
    const auto set = set_of(gpu);
    if (!set) return answered(std::unexpected(set.error()));
    ring_.inspect(*set, [answered = std::move(answered)](Result<Findings> found) {
        if (!found) return answered(std::unexpected(found.error()));
        answered(std::move(found->holders));
    });
}

void Wiring::forget_domain(const std::string& domain, Reply reply) {
    reply.give(memory_.forget(domain));
}

void Wiring::dump_rom(const Bdf& gpu, ReplyWith<sdbus::UnixFd> reply) {
    const auto set = set_of(gpu);
    if (!set) return reply.give(std::unexpected(set.error()));
    const SetEntry& entry = ring_.sets().at(*set);
    const SetState state = set_state(entry.set, ring_.inventory());
    if (const auto may = may_read_rom(gpu, entry.assignment, state); !may) {
        return reply.give(std::unexpected(may.error()));
    }
    auto owed = std::make_shared<ReplyWith<sdbus::UnixFd>>(std::move(reply));
    roms_.read(gpu, [this, gpu, owed](const Result<UniqueFd>& rom) {
        if (!gpus_.contains(gpu)) return owed->give(gone(gpu));
        if (!rom) return owed->give(std::unexpected(rom.error()));
        owed->give(sdbus::UnixFd(rom->get()));
    });
}

Requests::Power Wiring::power_of(const Bdf& gpu) {
    const Root root(settings_.root);
    Power power;
    power.state = read_attribute(root.below("sys/bus/pci/devices") / gpu.str() / "power_state")
                      .value_or(power.state);
    power.link = read_pcie_link(root, gpu, power.state);
    return power;
}

bool Wiring::hook_installed() {
    return hook_is_installed(Root(settings_.root));
}

void Wiring::diagnose(const std::optional<std::string>& domain_xml,
                      std::function<void(Result<std::vector<DoctorFinding>>)> answered) {
    if (!domain_xml) {
        return passthru::diagnose(ring_, Root(settings_.root), std::nullopt, std::move(answered));
    }
    auto domain = parse_domain_xml(*domain_xml);
    if (!domain) return answered(std::unexpected(domain.error()));
    passthru::diagnose(
        ring_, Root(settings_.root), *domain,
        [this, domain = *domain, answered = std::move(answered)](std::vector<DoctorFinding> found) {
            std::ranges::move(hooks_.objections(domain), std::back_inserter(found));
            answered(std::move(found));
        });
}

void Wiring::rescan() {
    ring_.refresh();
}

void Wiring::detach(const Bdf& gpu, const Owner& administrator, const DetachOptions& options,
                    Reply reply) {
    const auto set = set_of(gpu);
    if (!set) return reply.give(std::unexpected(set.error()));
    auto owed = std::make_shared<Reply>(std::move(reply));
    ring_.detach(*set, administrator, wishes_of(*set, gpu, options), options.client,
                 [owed](const Result<void>& result) { owed->give(result); });
}

DetachWishes Wiring::wishes_of(const Bdf& set, const Bdf& gpu, const DetachOptions& options) const {
    DetachWishes wishes = ring_.wishes_for(set, {gpu});
    wishes.overrides = options.overrides;
    if (options.queue) wishes.policy.queue = *options.queue;
    if (options.wait) {
        wishes.policy.wait = *options.wait;
        if (wishes.policy.in_use == WhenInUse::Refuse) wishes.policy.in_use = WhenInUse::Wait;
    }
    return wishes;
}

void Wiring::lease(const Bdf& gpu, const Owner& user, const std::string& who,
                   const std::string& why, const DetachOptions& options, LeaseReply reply) {
    const auto set = set_of(gpu);
    if (!set) return reply.give(std::unexpected(set.error()));
    LeaseService::Wanted wanted{*set, who, options.client, wishes_of(*set, gpu, options)};
    wanted.wishes.user = static_cast<std::uint32_t>(std::stoul(user.id));
    spdlog::info("gpu={} a lease for {} is asked for by {}: {}", gpu.str(), user.name, who, why);
    auto owed = std::make_shared<LeaseReply>(std::move(reply));
    leases_.lend(std::move(wanted), [owed](Result<LeaseService::Lent> lent) {
        if (!lent) return owed->give(std::unexpected(lent.error()));
        owed->give(std::tuple(sdbus::UnixFd(lent->lease.get()), std::move(lent->nodes)));
    });
}

void Wiring::reattach(const Bdf& gpu, Reply reply) {
    const auto set = set_of(gpu);
    if (!set) return reply.give(std::unexpected(set.error()));
    auto owed = std::make_shared<Reply>(std::move(reply));
    ring_.reattach(*set, std::nullopt, [this, gpu, owed](const Result<void>& result) {
        // It was pulled out on its way: its object has gone with it.
        owed->give(gpus_.contains(gpu) ? result : gone(gpu));
    });
}

void Wiring::reset(const Bdf& gpu, std::optional<std::string> method, Reply reply) {
    const auto set = set_of(gpu);
    if (!set) return reply.give(std::unexpected(set.error()));
    auto owed = std::make_shared<Reply>(std::move(reply));
    ring_.reset(*set, std::move(method),
                [owed](const Result<void>& result) { owed->give(result); });
}

void Wiring::cancel(std::uint64_t job, Reply reply) {
    for (const auto& [gpu, entry] : ring_.sets()) {
        const auto& queue = entry.assignment.queue;
        const bool waits = std::ranges::find(queue, job, ticket_of) != queue.end();
        if (!waits && (!entry.job || entry.job->number != job)) continue;
        if (!waits) ring_.cancel(gpu);
        // The object of a wait goes with it.
        reply.give({});
        if (waits) ring_.withdraw(gpu, job);
        return;
    }
    reply.give(fail(Errc::Failed, "the job is over"));
}

void Wiring::hook(HookCall call, Reply reply) {
    const bool prepare = call.operation == "prepare" && call.suboperation == "begin";
    const bool release = call.operation == "release" && call.suboperation == "end";
    if (!prepare && !release) {
        if (call.operation == "reconnect") list_domains_when_allowed();
        return reply.give({});
    }
    const auto request = read_request(call);
    if (!request) return reply.give(std::unexpected(request.error()));

    ++hooks_in_flight_;
    auto owed = std::make_shared<Reply>(std::move(reply));
    const auto answered = [this, owed, name = request->name, prepare](const Result<void>& result) {
        if (!result) {
            spdlog::warn("domain=\"{}\" {}: {}: {}", name,
                         prepare ? "start refused" : "release failed",
                         errc_name(result.error().code), result.error().message);
        }
        owed->give(result);
        --hooks_in_flight_;
        if (list_wanted_) list_domains_when_allowed();
    };
    prepare ? hooks_.prepare(*request, call.client, answered)
            : hooks_.release(request->uuid, answered);
}

Result<DomainRequest> Wiring::read_request(const HookCall& call) const {
    auto xml = read_domain_xml(call.xml.get());
    if (!xml) return std::unexpected(xml.error());
    auto request = parse_domain_xml(*xml);
    if (request && (request->uuid.empty() || request->uuid != call.uuid)) {
        return fail(Errc::InvalidArgs, "the UUID is not that of the domain's XML");
    }
    return request;
}

void Wiring::on_libvirt(const LibvirtEvent& event) {
    std::visit(Overloaded{
                   [this](const LibvirtConnected&) {
                       spdlog::info("connected to libvirt");
                       manager_.set_libvirt_state("connected");
                       list_domains_when_allowed();
                   },
                   [this](const LibvirtGone&) {
                       spdlog::info("libvirt is gone; VMs and GPUs stay as they are");
                       manager_.set_libvirt_state("disconnected");
                   },
                   [this](const DomainEvent&) { list_domains_when_allowed(); },
                   [this](const ActiveDomains& list) {
                       std::set<std::string> active;
                       for (const auto& [uuid, name] : list.domains) active.insert(uuid);
                       ring_.domains_listed(active, list.asked_at);
                   },
               },
               event);
}

/// libvirt holds a domain's lock while its hook runs, and would make the question wait for our
/// answer to the hook.
void Wiring::list_domains_when_allowed() {
    list_wanted_ = hooks_in_flight_ > 0;
    if (!list_wanted_ && libvirt_) libvirt_->list_active();
}

/// Only while a VM has a GPU: a daemon without work is not woken up.
void Wiring::reconcile_later() {
    const bool wanted = std::ranges::any_of(ring_.sets(), [](const auto& item) {
        const OwnerKind kind = item.second.assignment.owner.kind;
        return kind == OwnerKind::Domain || kind == OwnerKind::Lease;
    });
    if (wanted == reconcile_due_) return;
    reconcile_due_ = wanted;
    if (!wanted) {
        reconcile_ = {};
        return;
    }
    reconcile_ = loop_.after(settings_.reconcile_interval, [this] {
        reconcile_due_ = false;
        ring_.refresh();
        list_domains_when_allowed();
        leases_.end_lost();
        reconcile_later();
    });
}

/// While the computer slept a card may have lost its firmware, or its VM.
void Wiring::woke_up() {
    spdlog::info("the computer has slept: every GPU that is away is looked at");
    ring_.refresh();
    list_domains_when_allowed();
    ring_.look_after_those_away();
}

void Wiring::present() {
    manager_.set_iommu_kind(ring_.inventory().iommu_kind);
    sleep_lock_.hold(ring_.is_moving());
    reconcile_later();
    present_jobs();
    watch_waiting_clients();
    std::set<Bdf> shown;
    for (const auto& [id, entry] : ring_.sets()) {
        for (const Bdf& bdf : entry.set.with_role(Role::Gpu)) {
            const Function* gpu = ring_.inventory().find(bdf);
            if (gpu == nullptr) continue;
            shown.insert(bdf);
            GpuView view = present_gpu(*gpu, entry, ring_.inventory(), name_of(*gpu));
            auto& object = gpus_[bdf];
            // Another card in the same slot is another object: its constant properties differ.
            const bool same_card = object && object->view().vendor_id == view.vendor_id &&
                                   object->view().device_id == view.device_id;
            if (!same_card) {
                object.reset();
                object = std::make_unique<GpuObject>(bus_, authority_, *this, std::move(view));
                continue;
            }
            const Owner before = object->view().owner;
            object->update(std::move(view));
            const Owner after = object->view().owner;
            if (before == after) continue;
            manager_.owner_changed(bdf, before, after);
            if (after.kind == OwnerKind::Host) object->returned();
        }
    }
    std::erase_if(gpus_, [&](const auto& item) { return !shown.contains(item.first); });
}

void Wiring::present_jobs() {
    for (const auto& [id, entry] : ring_.sets()) {
        for (const Waiter& waiter : entry.assignment.queue) {
            auto& object = jobs_[waiter.wanted.ticket];
            if (object) continue;
            object = std::make_unique<JobObject>(
                bus_, authority_, *this, present_wait(entry, waiter, microseconds_since_1970()));
        }
        if (!entry.job) continue;
        const JobView view = present_job(entry);
        auto& object = jobs_[view.number];
        if (!object) {
            object = std::make_unique<JobObject>(bus_, authority_, *this, view);
        } else {
            object->update(view.step, view.step_name);
        }
    }
}

/// Who waits and leaves the bus, as by Ctrl-C, waits no more.
void Wiring::watch_waiting_clients() {
    std::set<std::string> waiting;
    for (const auto& [gpu, entry] : ring_.sets()) {
        for (const Waiter& it : entry.assignment.queue) waiting.insert(it.wanted.client);
    }
    std::erase_if(departures_, [&](const auto& item) { return !waiting.contains(item.first); });
    for (const std::string& client : waiting) {
        if (departures_.contains(client)) continue;
        departures_.emplace(client,
                            bus_.when_gone(client, [this, client] { client_left(client); }));
    }
}

void Wiring::client_left(const std::string& client) {
    std::vector<std::pair<Bdf, Ticket>> waits;
    for (const auto& [gpu, entry] : ring_.sets()) {
        for (const Waiter& it : entry.assignment.queue) {
            if (it.wanted.client == client) waits.emplace_back(gpu, it.wanted.ticket);
        }
    }
    for (const auto& [gpu, ticket] : waits) ring_.withdraw(gpu, ticket);
}

void Wiring::job_ended(std::uint64_t job, const Result<void>& result) {
    if (const auto object = jobs_.extract(job)) object.mapped()->completed(result);
}

void Wiring::release_requested(const Bdf& set, std::chrono::seconds limit, const std::string& who) {
    const auto deadline = std::chrono::system_clock::now() + limit;
    const auto microseconds =
        std::chrono::duration_cast<std::chrono::microseconds>(deadline.time_since_epoch());
    for (const Bdf& bdf : ring_.sets().at(set).set.with_role(Role::Gpu)) {
        const auto object = gpus_.find(bdf);
        if (object == gpus_.end()) continue;
        object->second->release_requested(
            static_cast<std::uint64_t>(microseconds.count()),
            fmt::format("{} is wanted and in use by {}", bdf.str(), who));
    }
}

Result<Bdf> Wiring::set_of(const Bdf& gpu) const {
    if (const auto set = ring_.set_with(gpu)) return *set;
    return gone(gpu);
}

const CardName& Wiring::name_of(const Function& gpu) {
    const auto [entry, fresh] = names_.try_emplace(gpu.modalias);
    if (fresh) {
        DeviceNames names = lookup_names(gpu.modalias);
        entry->second = {std::move(names.vendor), std::move(names.model)};
    }
    return entry->second;
}

}  // namespace passthru
