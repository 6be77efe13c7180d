// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/doctor/doctor_finding.hpp"

#include <algorithm>

namespace passthru {
namespace {

/// The reasons that one cure removes for all GPUs.
bool is_of_the_computer(Errc code) {
    return code == Errc::IommuOff || code == Errc::NoStubDriver;
}

std::string documentation_of(Errc code) {
    const bool configurable = code == Errc::BootGpu || code == Errc::InUse ||
                              code == Errc::NotIsolated || code == Errc::HostCritical;
    return configurable ? "man:passthrud.conf(5)" : "man:passthrud(8)";
}

}  // namespace

std::string_view severity_name(Severity severity) {
    switch (severity) {
        case Severity::Error: return "error";
        case Severity::Warning: return "warning";
        case Severity::Note: return "note";
    }
    return "note";
}

std::vector<DoctorFinding> findings_of_gpus(const std::vector<DryRun>& runs) {
    std::vector<DoctorFinding> result;
    const auto add = [&](DoctorFinding finding, bool once) {
        const bool told = std::ranges::any_of(result, [&](const DoctorFinding& it) {
            return it == finding || (once && it.id == finding.id);
        });
        if (!told) result.push_back(std::move(finding));
    };
    for (const DryRun& run : runs) {
        for (const Refusal& it : run.judgement.refusals) {
            const bool once = is_of_the_computer(it.code);
            add({std::string(errc_name(it.code)), Severity::Error, once ? "" : run.gpu.str(),
                 it.message(), it.remedy, documentation_of(it.code)},
                once);
        }
        for (const Warning& it : run.judgement.warnings) {
            add({it.name, Severity::Warning, run.gpu.str(), it.message, "", "man:passthrud(8)"},
                false);
        }
    }
    return result;
}

}  // namespace passthru
