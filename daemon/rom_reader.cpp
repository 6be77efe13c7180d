// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/rom_reader.hpp"

#include "libpassthru/plan/plan_json.hpp"

#include <fmt/format.h>
#include <utility>

namespace passthru {
namespace {

Result<UniqueFd> file_of(const Result<std::string>& answer, UniqueFd descriptor) {
    if (!answer) return std::unexpected(answer.error());
    const auto report = report_from_text(*answer);
    if (!report) return std::unexpected(report.error());
    if (const auto* failed = std::get_if<PlanFailed>(&*report)) {
        return std::unexpected(failed->error);
    }
    if (descriptor) return descriptor;
    return fail(Errc::Failed, "passthru-worker sent no file");
}

}  // namespace

Result<void> may_read_rom(const Bdf& gpu, const Assignment& assignment, SetState state) {
    if (assignment.phase == Phase::Stuck) return std::unexpected(*assignment.trouble);
    if (assignment.working()) {
        return fail(Errc::Busy,
                    fmt::format("GPU {} is being moved: try again in a moment", gpu.str()));
    }
    const Owner owner = shown_owner(assignment, state);
    if (owner.kind == OwnerKind::Domain || owner.kind == OwnerKind::Lease ||
        state == SetState::Guest) {
        return fail(Errc::Busy,
                    fmt::format("GPU {} belongs to {}: end it first", gpu.str(), describe(owner)));
    }
    if (state == SetState::Host) {
        return fail(Errc::InUse, fmt::format("GPU {} is on the drivers of this computer: detach "
                                             "it first",
                                             gpu.str()));
    }
    return {};
}

void RomReader::read(const Bdf& gpu, Done done) {
    const auto [found, fresh] = readings_.try_emplace(gpu);
    Reading& reading = found->second;
    if (!fresh) {
        return done(
            reading.done
                ? fail(Errc::Busy,
                       fmt::format("somebody else is reading the expansion ROM of {} now",
                                   gpu.str()))
                : fail(Errc::Stuck,
                       fmt::format("whoever read the expansion ROM of {} last has not come back "
                                   "from the kernel; see “journalctl -k”",
                                   gpu.str())));
    }
    reading.done = std::move(done);
    reading.question = std::make_unique<WorkerQuestion>(
        loop_, access_, rom_request_to_text(gpu), std::nullopt,
        [this, gpu](const Result<std::string>& answer) {
            // Whoever is answered may ask again.
            const Reading it = std::move(readings_.at(gpu));
            readings_.erase(gpu);
            if (it.done) it.done(file_of(answer, it.question->take_descriptor()));
        });
    // The worker is not forgotten before it has come back: the next one would only join it.
    reading.limit = loop_.after(limit_, [&reading, gpu] {
        std::exchange(reading.done, nullptr)(
            fail(Errc::TimedOut, fmt::format("the expansion ROM of {} could not be read in time; "
                                             "see “journalctl -k”",
                                             gpu.str())));
    });
}

}  // namespace passthru
