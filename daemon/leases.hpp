// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/loop/event_loop.hpp"
#include "daemon/loop/unique_fd.hpp"
#include "libpassthru/error.hpp"

#include <functional>
#include <map>
#include <string>

namespace passthru {

/// Pipes whose other ends are held by those who have borrowed a device set. A lease is open while
/// anybody has its other end: the kernel tells when the last copy is closed, however its holder
/// ended. Our ends are kept by systemd while the daemon restarts (FDSTORE=1, sd_notify(3)).
class Leases {
public:
    /// `ended` is told the id of a lease whose last holder is gone.
    Leases(EventLoop& loop, std::function<void(const std::string& id)> ended);

    /// Takes over the leases of the last daemon from systemd. Those that ended meanwhile are not
    /// told of: `is_open` tells.
    void adopt();

    /// Makes a lease of this id; the end that its holder gets.
    [[nodiscard]] Result<UniqueFd> begin(const std::string& id);

    [[nodiscard]] bool is_open(const std::string& id) const { return open_.contains(id); }

    /// 128 random bits in hexadecimal.
    [[nodiscard]] static std::string new_id();

private:
    struct Lease {
        UniqueFd end;
        EventSource watch;
    };
    void keep(const std::string& id, UniqueFd end);

    EventLoop& loop_;
    std::function<void(const std::string& id)> ended_;
    std::map<std::string, Lease> open_;
};

}  // namespace passthru
