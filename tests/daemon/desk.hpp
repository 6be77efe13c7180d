// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/assignment.hpp"
#include "tests/fakes/fake_kernel.hpp"
#include "tests/unit/run.hpp"

#include <map>

namespace passthru {

inline const Owner win11{OwnerKind::Domain, "c1a4f3d2-0000-4000-8000-000000000001", "win11"};
inline const Owner games{OwnerKind::Domain, "c1a4f3d2-0000-4000-8000-000000000002", "games"};
inline const Owner alice{OwnerKind::Administrator, "1000", "alice"};
inline const Owner host{};
inline const Owner gamescope{OwnerKind::Lease, "0123456789abcdef0123456789abcdef", "gamescope"};

/// One device set on a fake machine, with its assignment: events go in, effects are noted, and a
/// job that was started runs when the test says so, with the real executor.
class Desk {
public:
    Desk(const fakes::FakeKernel& kernel, const Bdf& gpu) : kernel_(kernel), gpu_(gpu) {}

    void send(const Event& event);
    /// Each returns the ticket that its answer comes under.
    Ticket detach(const Owner& owner, std::vector<Bdf> wanted = {});
    /// As `detach`, for a lease of this user.
    Ticket lend(const Owner& lease, std::uint32_t user);
    /// As `detach`, by somebody who waits for another owner's end.
    Ticket queue(const Owner& owner, std::chrono::seconds limit = std::chrono::seconds(60),
                 std::vector<Bdf> wanted = {});
    Ticket queue_lease(const Owner& lease, std::uint32_t user);
    Ticket reattach(std::optional<std::string> domain = std::nullopt);
    Ticket reset(std::optional<std::string> method = std::nullopt);

    /// Does the running job to its end, or to the step that fails, and the jobs that follow from
    /// it.
    void run_jobs();
    /// Only the running one.
    void run_job();
    /// Does only the first steps of the running job, as a worker that is killed there; nobody is
    /// told.
    void run_steps(std::size_t count);
    /// The daemon dies and a new one reads what was saved last.
    void restart();

    /// The answer, or nothing while it is owed.
    [[nodiscard]] std::optional<Result<void>> answer(Ticket ticket) const;
    [[nodiscard]] bool succeeded(Ticket ticket) const;
    [[nodiscard]] std::optional<Errc> refusal(Ticket ticket) const;
    [[nodiscard]] std::string message(Ticket ticket) const;

    [[nodiscard]] SetState state() const;
    [[nodiscard]] DeviceSet set() const { return set_with(kernel_.inventory(), gpu_); }

    Assignment it;
    std::optional<Assignment> saved;  ///< what the journal says
    std::vector<effect::Answer> answers;
    bool running = false;
    int started = 0;
    int cancelled = 0;
    SteadyTime now{std::chrono::hours(1)};
    // What the administrator has configured.
    std::vector<std::string> stop_services;
    AtStop at_stop = AtStop::Reattach;

private:
    Ticket want(const Owner& owner, DetachWishes wishes);

    const fakes::FakeKernel& kernel_;
    Bdf gpu_;
    DeviceSet set_ = set();
    Ticket last_ = 0;
};

}  // namespace passthru
