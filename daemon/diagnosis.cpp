// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/diagnosis.hpp"

#include <deque>
#include <utility>

namespace passthru {
namespace {

struct Round : std::enable_shared_from_this<Round> {
    Ring& ring;
    std::optional<DomainRequest> domain;
    std::function<void(std::vector<DoctorFinding>)> done;
    std::vector<DoctorFinding> found;
    std::deque<Bdf> left;  ///< the sets to look at
    std::vector<DryRun> runs;

    Round(Ring& its_ring, std::optional<DomainRequest> its_domain,
          std::function<void(std::vector<DoctorFinding>)> its_done)
        : ring(its_ring), domain(std::move(its_domain)), done(std::move(its_done)) {}

    void begin() {
        for (const auto& [set, entry] : ring.sets()) {
            const Assignment& it = entry.assignment;
            if (domain) {
                if (is_wanted(entry)) left.push_back(set);
            } else if (it.phase == Phase::Stuck || it.phase == Phase::Failed) {
                found.push_back({std::string(errc_name(it.trouble->code)), Severity::Error,
                                 set.str(), it.trouble->message, "", "man:passthrud(8)"});
            } else if (it.phase == Phase::Idle && it.owner.kind == OwnerKind::Host) {
                left.push_back(set);
            }
        }
        next();
    }

    /// Does the domain want it, and has it not yet?
    [[nodiscard]] bool is_wanted(const SetEntry& entry) const {
        return touches(*domain, entry.set) && entry.assignment.owner != newcomer();
    }
    [[nodiscard]] Owner newcomer() const {
        if (!domain) return {OwnerKind::Administrator, "", ""};
        return {OwnerKind::Domain, domain->uuid, domain->name};
    }

    void next() {
        if (left.empty()) return end();
        const Bdf set = left.front();
        left.pop_front();
        ring.inspect(set, [self = shared_from_this(), set](const Result<Findings>& seen) {
            self->judge(set, seen.value_or(Findings{}));
            self->next();
        });
    }

    void judge(const Bdf& set, const Findings& findings) {
        const auto now = ring.sets().find(set);
        if (now == ring.sets().end()) return;
        if (domain) {
            // Who has borrowed it may well have it open.
            const OwnerKind owner = now->second.assignment.owner.kind;
            const bool lent = owner == OwnerKind::Domain || owner == OwnerKind::Lease;
            runs.push_back(ring.dry_run_detach(set, lent ? Findings{} : findings, newcomer(),
                                               domain->functions));
            return;
        }
        for (const Bdf& gpu : now->second.set.with_role(Role::Gpu)) {
            runs.push_back(ring.dry_run_detach(gpu, findings, newcomer(), {gpu}));
        }
    }

    void end() {
        for (DoctorFinding& it : findings_of_gpus(runs)) found.push_back(std::move(it));
        done(std::move(found));
    }
};

}  // namespace

void diagnose(Ring& ring, const Root& root, std::optional<DomainRequest> domain,
              std::function<void(std::vector<DoctorFinding>)> done) {
    const auto round = std::make_shared<Round>(ring, std::move(domain), std::move(done));
    round->found = findings_of_host(root, ring.inventory());
    round->begin();
}

}  // namespace passthru
