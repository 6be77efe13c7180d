// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/lease_service.hpp"

#include "libpassthru/pci/vfio_nodes.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace passthru {

LeaseService::LeaseService(EventLoop& loop, Ring& ring, Root root)
    : ring_(ring),
      root_(std::move(root)),
      leases_(loop, [this](const std::string& id) { ended(id); }) {}

void LeaseService::lend(Wanted wanted, std::function<void(Result<Lent>)> answered) {
    if (const auto may = may_borrow(*wanted.wishes.user, ring_.sets()); !may) {
        return answered(std::unexpected(may.error()));
    }
    const std::string id = Leases::new_id();
    ring_.detach(
        wanted.set, {OwnerKind::Lease, id, wanted.who}, std::move(wanted.wishes),
        std::move(wanted.client),
        [this, answered = std::move(answered), id, set = wanted.set](const Result<void>& taken) {
            if (!taken) return answered(std::unexpected(taken.error()));
            auto lease = leases_.begin(id);
            if (!lease) {
                answered(std::unexpected(lease.error()));
                return ended(id);
            }
            std::vector<Bdf> functions;
            for (const auto& it : ring_.sets().at(set).assignment.record) {
                functions.push_back(it.bdf);
            }
            answered(Lent{std::move(*lease), vfio_nodes(root_, functions)});
        });
}

void LeaseService::ended(const std::string& id) {
    for (const auto& [gpu, entry] : ring_.sets()) {
        const Owner& owner = entry.assignment.owner;
        if (owner.kind != OwnerKind::Lease || owner.id != id) continue;
        spdlog::info("gpu={} lease={} {} has ended", gpu.str(), id, describe(owner));
        // Whatever comes of it is told and shown like everything else; nobody waits for it.
        return ring_.reattach(gpu, id, [](const Result<void>& /*result*/) {});
    }
}

void LeaseService::end_lost() {
    std::vector<std::string> lost;
    for (const auto& [gpu, entry] : ring_.sets()) {
        const Assignment& it = entry.assignment;
        if (it.owner.kind == OwnerKind::Lease && it.phase == Phase::Idle &&
            !leases_.is_open(it.owner.id)) {
            lost.push_back(it.owner.id);
        }
    }
    for (const std::string& id : lost) ended(id);
}

Result<void> may_borrow(std::uint32_t user, const std::map<Bdf, SetEntry>& sets) {
    std::size_t his = 0;
    for (const auto& [gpu, entry] : sets) {
        const Assignment& it = entry.assignment;
        if (it.owner.kind == OwnerKind::Lease && it.lent_to == user) ++his;
        for (const Waiter& waiter : it.queue) {
            if (waiter.wanted.wishes.user == user) ++his;
        }
    }
    if (his < most_leases_of_a_user) return {};
    return fail(Errc::LimitsExceeded,
                fmt::format("you have or wait for {} leases already: end one of them", his));
}

}  // namespace passthru
