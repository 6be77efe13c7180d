// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/assignment.hpp"
#include "daemon/inspection.hpp"
#include "libpassthru/pci/set_state.hpp"

#include <functional>
#include <map>
#include <memory>

namespace passthru {

/// May the expansion ROM of this GPU be read now? Busy while somebody has its set or it is being
/// moved, InUse on the host's drivers, and the trouble of a set that is stuck.
[[nodiscard]] Result<void> may_read_rom(const Bdf& gpu, const Assignment& assignment,
                                        SetState state);

/// Lets workers read expansion ROMs.
class RomReader {
public:
    using Done = std::function<void(Result<UniqueFd>)>;

    RomReader(EventLoop& loop, WorkerAccess access, std::chrono::seconds limit)
        : loop_(loop), access_(std::move(access)), limit_(limit) {}

    /// `done` is called once: with a sealed file at its beginning, with the worker's reason,
    /// TimedOut when there is none within the limit, Busy while somebody else has this one read, or
    /// Stuck while the worker that was late has not come back.
    void read(const Bdf& gpu, Done done);

private:
    struct Reading {
        std::unique_ptr<WorkerQuestion> question;
        EventSource limit;
        Done done;  ///< nothing once it has been told that it took too long
    };

    EventLoop& loop_;
    WorkerAccess access_;
    std::chrono::seconds limit_;
    std::map<Bdf, Reading> readings_;
};

}  // namespace passthru
