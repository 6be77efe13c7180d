// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/domain_memory.hpp"
#include "daemon/ring.hpp"
#include "libpassthru/doctor/domain_doctor.hpp"

namespace passthru {

/// What happens to a VM's device sets when libvirt starts and stops it: several sets move side by
/// side, and either all are moved or none.
class HookService {
public:
    using Answered = Ring::Answered;

    HookService(Ring& ring, DomainMemory memory) : ring_(ring), memory_(std::move(memory)) {}

    /// `prepare begin` from the hook with this bus name: answers when every device set that the
    /// domain touches is on its stub driver, or with the first refusal after those that were moved
    /// are back. A domain that touches no GPU is answered at once: with AddressChanged or, where
    /// libvirt would take a disk that the host needs, HostCritical; else with yes.
    void prepare(const DomainRequest& domain, const std::string& client, Answered answered);

    /// `release end`: answers when everything that the domain owns is back, or with the first
    /// failure.
    void release(const std::string& uuid, Answered answered);

    /// What would refuse this domain's `prepare` beside what stands against each GPU of it, and
    /// what a person may not expect of it.
    [[nodiscard]] std::vector<DoctorFinding> objections(const DomainRequest& domain) const;

private:
    [[nodiscard]] Result<std::vector<Bdf>> sets_of(const DomainRequest& domain) const;
    [[nodiscard]] Result<void> spare_disks(const DomainRequest& domain) const;

    Ring& ring_;
    DomainMemory memory_;
};

/// Reads a domain's XML from a descriptor that another process gave: at most `max_domain_xml` bytes
/// of a regular file or memfd, from its beginning, so that the reading cannot block.
[[nodiscard]] Result<std::string> read_domain_xml(int fd);

}  // namespace passthru
