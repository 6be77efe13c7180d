// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/plan/record.hpp"
#include "libpassthru/plan/step.hpp"
#include "libpassthru/reset/reset_trial.hpp"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <sys/types.h>

namespace passthru {

/// A process, and when it was started: process ids are used again.
struct WorkerProcess {
    pid_t pid = 0;
    std::uint64_t started = 0;  ///< field 22 of /proc/PID/stat, in clock ticks since boot
    bool operator==(const WorkerProcess&) const = default;
};

/// What the worker reports: who it is, one message after each step, and one at the end.
struct Started {
    WorkerProcess process;
    bool operator==(const Started&) const = default;
};
struct StepDone {
    std::size_t index = 0;
    bool operator==(const StepDone&) const = default;
};
/// The step waits for programs to let go; `message` names them: `Xorg (pid 812, user alice)`.
struct Waiting {
    std::size_t index = 0;
    std::string message;
    bool operator==(const Waiting&) const = default;
};
/// One attempt of a Reset step is over.
struct ResetTried {
    std::size_t index = 0;
    ResetTrial trial;
    bool operator==(const ResetTried&) const = default;
};
struct PlanDone {
    bool operator==(const PlanDone&) const = default;
};
struct PlanFailed {
    std::size_t index = 0;  ///< the step that failed; those before it were done
    Error error;
    bool operator==(const PlanFailed&) const = default;
};
using WorkerReport = std::variant<Started, StepDone, Waiting, ResetTried, PlanDone, PlanFailed>;

/// The largest message between daemon and worker, in bytes: a plan of several hundred steps.
inline constexpr std::size_t max_message = 128UZ * 1024;

/// The messages between daemon and worker, and the parts of the journal. Reading accepts exactly
/// what writing makes; anything else is InvalidArgs, never a guess.
[[nodiscard]] std::string plan_to_text(const Plan& plan);
[[nodiscard]] Result<Plan> plan_from_text(std::string_view text);
[[nodiscard]] std::string report_to_text(const WorkerReport& report);
[[nodiscard]] Result<WorkerReport> report_from_text(std::string_view text);
[[nodiscard]] nlohmann::json process_to_json(const WorkerProcess& process);
[[nodiscard]] Result<WorkerProcess> process_from_json(const nlohmann::json& json);
[[nodiscard]] nlohmann::json record_to_json(const SetRecord& record);
[[nodiscard]] Result<SetRecord> record_from_json(const nlohmann::json& json);

}  // namespace passthru
