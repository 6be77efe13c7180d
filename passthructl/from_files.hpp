// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/plan/dry_run.hpp"
#include "passthructl/answers.hpp"
#include "passthructl/problem.hpp"

namespace passthru::ctl {

/// What a machine's files tell without passthrud. Owners, jobs and names are not among it.
[[nodiscard]] std::vector<GpuRow> gpus_from_files(const Root& root);
/// Only a detach can be planned; a GPU that is not there is a refusal of the plan.
[[nodiscard]] Answer<PlanAnswer> plan_from_files(const Root& root, const std::string& action,
                                                 const std::string& gpu);
/// For the start of one VM, where its XML is given.
[[nodiscard]] Answer<std::vector<FindingRow>> findings_from_files(
    const Root& root, const std::optional<std::string>& domain_xml);
/// What this process may see of who has the GPU's set open.
[[nodiscard]] Answer<std::vector<HolderRow>> holders_from_files(const Root& root,
                                                                const std::string& gpu);
/// The row that an address or a short address means; a companion's means its card.
[[nodiscard]] Answer<GpuRow> find_gpu(const std::vector<GpuRow>& gpus, const std::string& name);

}  // namespace passthru::ctl
