// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/leases.hpp"
#include "daemon/ring.hpp"

namespace passthru {

/// What happens to device sets that programs borrow.
class LeaseService {
public:
    /// Ring and loop outlive it.
    LeaseService(EventLoop& loop, Ring& ring, Root root);

    /// Takes over the last daemon's leases; `end_lost` comes after the ring's start.
    void adopt() { leases_.adopt(); }
    /// Gives back what those held whose last holder went while no daemon ran, and those whose
    /// programs had the card open for too long.
    void end_lost();

    struct Wanted {
        Bdf set;
        std::string who;           ///< what the lease is called
        std::string client;        ///< the caller's bus name
        DetachWishes wishes = {};  ///< `user` says who may open the nodes
    };
    struct Lent {
        UniqueFd lease;
        std::vector<std::string> nodes;
    };
    /// Answers when the set is the caller's, or as `Ring::detach`; LimitsExceeded where the user
    /// has as many leases as one may have.
    void lend(Wanted wanted, std::function<void(Result<Lent>)> answered);

private:
    void ended(const std::string& id);

    Ring& ring_;
    Root root_;
    Leases leases_;
};

/// As many as the GPUs of a large server.
inline constexpr std::size_t most_leases_of_a_user = 16;

/// LimitsExceeded where this user has or waits for so many already.
[[nodiscard]] Result<void> may_borrow(std::uint32_t user, const std::map<Bdf, SetEntry>& sets);

}  // namespace passthru
