// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/doctor/doctor_finding.hpp"
#include "libpassthru/hostdev/domain_xml.hpp"

namespace passthru {

/// Does the domain list some function of this set?
[[nodiscard]] bool touches(const DomainRequest& domain, const DeviceSet& set);

/// NoSuchGpu, naming them, where the domain lists PCI functions that this computer lacks.
[[nodiscard]] Result<void> check_functions(const DomainRequest& domain, const Inventory& inventory);

/// Something that would refuse the domain's start; the cure stands behind the message's last colon.
[[nodiscard]] DoctorFinding objection_to(const DomainRequest& domain, const Error& error);

/// What a person may not expect of this domain: it lists no GPU of these sets, though all that it
/// lists is there, or not everything that is taken from the host with one.
[[nodiscard]] std::vector<DoctorFinding> findings_of_domain(const DomainRequest& domain,
                                                            const Inventory& inventory,
                                                            const std::vector<DeviceSet>& sets);

}  // namespace passthru
