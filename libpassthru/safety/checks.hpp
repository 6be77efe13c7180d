// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/safety/judge.hpp"

namespace passthru {

/// The parts of `judge`, one for each thing that can be wrong.
using Refusals = std::vector<Refusal>;

/// IommuOff, with the reason as far as firmware and command line show it.
[[nodiscard]] Refusals check_iommu(const DetachCase& it);
/// ReservedMemory: the firmware keeps memory of this group for itself.
[[nodiscard]] Refusals check_reserved_memory(const DetachCase& it);
/// HostCritical: what the host needs, of everything that moves or would have to.
[[nodiscard]] Refusals check_host_critical(const DetachCase& it);
/// NotIsolated, one for each foreign function that is in the way.
[[nodiscard]] Refusals check_isolation(const DetachCase& it);
/// BootGpu: the boot GPU, a server's console, and the only GPU that can show a picture.
[[nodiscard]] Refusals check_display(const DetachCase& it);
/// InUse: holders, and SR-IOV virtual functions.
[[nodiscard]] Refusals check_in_use(const DetachCase& it);
/// NoStubDriver.
[[nodiscard]] Refusals check_stub_driver(const DetachCase& it);

[[nodiscard]] std::vector<Warning> warnings(const DetachCase& it);

/// `0000:01:00.1 (SATA controller)`.
[[nodiscard]] std::string with_class(const Function& function);
/// Is it a foreign function that keeps VFIO from opening the group, as it is? One without a driver
/// is not (drivers/iommu/iommu.c:iommu_group_claim_dma_owner).
[[nodiscard]] bool is_in_the_way(const Function& function, const DetachCase& it);

}  // namespace passthru
