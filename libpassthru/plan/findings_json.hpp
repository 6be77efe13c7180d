// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/safety/findings.hpp"

namespace passthru {

/// The other thing that the worker is asked for: a look at these functions, which changes nothing.
struct InspectionRequest {
    std::vector<Bdf> functions;
    bool operator==(const InspectionRequest&) const = default;
};

/// Messages between daemon and worker, read as strictly as those of plan_json.hpp.
[[nodiscard]] std::string inspection_to_text(const InspectionRequest& request);
/// Nothing for a message that is no request for an inspection; InvalidArgs for a bad one.
[[nodiscard]] std::optional<Result<InspectionRequest>> inspection_from_text(std::string_view text);
/// At most `max_message` bytes: of too many the last ones are left out.
[[nodiscard]] std::string findings_to_text(const Findings& findings);
[[nodiscard]] Result<Findings> findings_from_text(std::string_view text);

/// The third: what driver_override of these functions says, which is read where it may hang.
[[nodiscard]] std::string override_request_to_text(const std::vector<Bdf>& functions);
/// Nothing for a message that is no such request; InvalidArgs for a bad one.
[[nodiscard]] std::optional<Result<std::vector<Bdf>>> override_request_from_text(
    std::string_view text);
[[nodiscard]] std::string overrides_to_text(const OverrideMap& overrides);
[[nodiscard]] Result<OverrideMap> overrides_from_text(std::string_view text);

/// The fourth: where in the kernel a process waits.
[[nodiscard]] std::string wait_request_to_text(pid_t pid);
/// Nothing for a message that is no such request.
[[nodiscard]] std::optional<pid_t> wait_request_from_text(std::string_view text);
[[nodiscard]] std::string wait_place_to_text(const std::string& place);
[[nodiscard]] Result<std::string> wait_place_from_text(std::string_view text);

/// The fifth: the expansion ROM of a function. The answer is a report: PlanDone, with the
/// descriptor of a file beside it, or PlanFailed.
[[nodiscard]] std::string rom_request_to_text(const Bdf& bdf);
/// Nothing for a message that is no such request; InvalidArgs for a bad one.
[[nodiscard]] std::optional<Result<Bdf>> rom_request_from_text(std::string_view text);

}  // namespace passthru
