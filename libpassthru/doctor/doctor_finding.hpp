// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/plan/dry_run.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace passthru {

enum class Severity {
    Error,    ///< a GPU cannot be handed over as things are
    Warning,  ///< it can, and something is likely to go wrong
    Note,     ///< it can; what is not as a person may think
};

/// `error`, `warning`, `note`.
[[nodiscard]] std::string_view severity_name(Severity severity);

/// Something about this computer that a person who gives GPUs to VMs should know.
struct DoctorFinding {
    std::string id;  ///< for programs: `hook-missing`, `NotIsolated`, `acs-override` …
    Severity severity = Severity::Note;
    std::string subject;        ///< an address or a file; empty for the computer as a whole
    std::string message;        ///< what is wrong
    std::string remedy;         ///< what to do; may be empty
    std::string documentation;  ///< `man:passthrud.conf(5)`

    bool operator==(const DoctorFinding&) const = default;
};

/// What stands against taking a GPU, and what should be known of it. What is wrong with the whole
/// computer stands in each GPU's run and is told once.
[[nodiscard]] std::vector<DoctorFinding> findings_of_gpus(const std::vector<DryRun>& runs);

}  // namespace passthru
