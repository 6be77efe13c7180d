// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/doctor/domain_doctor.hpp"

namespace passthru {

/// Will libvirt run the hook that calls passthrud?
[[nodiscard]] bool hook_is_installed(const Root& root);

/// What is wrong with the computer around the GPUs: libvirt's hook that calls passthrud, hooks that
/// move devices themselves, cards that are bound at boot, interrupts that are not isolated, files
/// of passthrud with mistakes. Reads files only.
[[nodiscard]] std::vector<DoctorFinding> findings_of_host(const Root& root,
                                                          const Inventory& inventory);

/// All of it from a machine's files alone, as far as this process may look; with a domain, of GPUs
/// only what stands against its start.
[[nodiscard]] std::vector<DoctorFinding> diagnose(
    const Root& root, const std::optional<DomainRequest>& domain = std::nullopt);

}  // namespace passthru
