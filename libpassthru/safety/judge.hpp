// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/device_set.hpp"
#include "libpassthru/safety/findings.hpp"
#include "libpassthru/safety/judgement.hpp"
#include "libpassthru/safety/policy.hpp"

namespace passthru {

/// All that is known when it is decided whether a device set may be taken from the host.
struct DetachCase {
    const DeviceSet& set;
    const DetachWishes& wishes;
    const Inventory& inventory;
    const Findings& findings;
};

/// Every reason why the set must not be detached, in the order that docs/architecture.md gives, and
/// what should be known. Looks at values only; what `findings` do not tell is not judged.
///
/// An override passes over its check, but never over: a disk, the board's own functions
/// (HostCritical), a client of NVIDIA's driver, an open sound device or VFIO device (InUse). There
/// an unbind that has begun waits until they let go, and NVIDIA's does not even end then
/// (NVIDIA/open-gpu-kernel-modules#1374; sound/core/init.c:snd_card_free).
[[nodiscard]] Judgement judge(const DetachCase& it);

/// The functions of the set that a detach with these wishes moves, in order of moving: companions,
/// foreign functions that are listed, GPUs.
[[nodiscard]] std::vector<Bdf> moved_functions(const DeviceSet& set, const DetachWishes& wishes);

/// Is this holder of a function on that driver one that an override of InUse passes over?
[[nodiscard]] bool may_be_ignored(const Holder& holder, const std::optional<std::string>& driver);

}  // namespace passthru
