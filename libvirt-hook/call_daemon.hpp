// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libvirt-hook/verdict.hpp"

namespace passthru {

/// Calls org.passthru1.LibvirtHook.Notify on the system bus and waits for the answer: passthrud
/// gives it when the devices have moved, and within its own time limits; after 6 minutes it counts
/// as unreachable. Starts passthrud where it does not run. `xml` is a file or memfd and stays the
/// caller's.
[[nodiscard]] Answer call_daemon(const HookCall& call, const DomainRequest& domain, int xml);

}  // namespace passthru
