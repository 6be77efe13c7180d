// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/error.hpp"
#include "libpassthru/pci/bdf.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace passthru {

/// What happens when programs have the GPU open that a VM wants.
enum class WhenInUse {
    Refuse,  ///< at once
    Wait,    ///< until they let go, up to the limit
    Ask,     ///< as Wait, and the programs of login sessions get SIGTERM first
};

enum class BootGpuRule { Refuse, Allow };

/// Where a GPU goes when the VM or the lease that has it ends.
enum class AtStop {
    Reattach,  ///< home
    Keep,      ///< it stays detached, reset, for the next one
};

/// What the administrator decided for one GPU.
struct GpuPolicy {
    BootGpuRule boot_gpu = BootGpuRule::Refuse;  ///< also for the only GPU and a server's console
    WhenInUse in_use = WhenInUse::Refuse;
    std::chrono::seconds wait{0};   ///< 0 to `max_wait`; means nothing with `Refuse`
    std::chrono::seconds queue{0};  ///< 0 to `max_queue`: how long to wait for another owner's end
    AtStop at_stop = AtStop::Reattach;
    std::vector<Bdf> move_too;  ///< foreign functions of the group that move as well
    /// systemd's services that are stopped before it goes from the host, by the names of their
    /// units (`service_behind`), and started again when it is home.
    std::vector<std::string> stop_services;
    /// The only ways to reset it that may be tried, in this order; not set leaves it to the quirks
    /// and the kernel.
    std::optional<std::vector<std::string>> reset;

    bool operator==(const GpuPolicy&) const = default;
};

/// A VM start waits in libvirt, with the VM's lock held: no wait is longer than this.
inline constexpr std::chrono::seconds max_wait{120};
inline constexpr std::chrono::seconds max_queue{120};

/// `refuse`, `wait`, `ask`.
[[nodiscard]] std::string_view when_in_use_name(WhenInUse rule);
/// `reattach`, `keep`.
[[nodiscard]] std::string_view at_stop_name(AtStop rule);

/// A detach as its caller wants it.
struct DetachWishes {
    std::vector<Bdf> functions;  ///< what the caller lists itself, such as a domain's hostdevs
    GpuPolicy policy;
    /// The checks that the caller takes upon himself. Only those of `overridable` count.
    std::set<Errc> overrides;
    /// Who may open the VFIO nodes afterwards; not set leaves them to root.
    std::optional<std::uint32_t> user = std::nullopt;

    [[nodiscard]] bool lists(const Bdf& bdf) const;
    [[nodiscard]] bool overrides_check(Errc check) const { return overrides.contains(check); }
};

/// The checks that a person with the right to may pass over: `BootGpu`, `InUse` and `HostCritical`.
/// Each has cases that nobody may pass over: see `judge`.
[[nodiscard]] const std::set<Errc>& overridable();

}  // namespace passthru
