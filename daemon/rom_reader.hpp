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

    /// `done` is called once: with a sealed file at its beginning, with the worker's reason, Busy
    /// while somebody else has this one read, or as a WorkerQuestion ends.
    void read(const Bdf& gpu, Done done);

private:
    EventLoop& loop_;
    WorkerAccess access_;
    std::chrono::seconds limit_;
    std::map<Bdf, std::unique_ptr<WorkerQuestion>> questions_;
};

}  // namespace passthru
