// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/doctor/domain_doctor.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {

bool touches(const DomainRequest& domain, const DeviceSet& set) {
    return std::ranges::any_of(domain.functions, [&](const Bdf& it) { return set.contains(it); });
}

Result<void> check_functions(const DomainRequest& domain, const Inventory& inventory) {
    std::string missing;
    for (const Bdf& function : domain.functions) {
        if (inventory.find(function) != nullptr) continue;
        missing += (missing.empty() ? "" : ", ") + function.str();
    }
    if (missing.empty()) return {};
    return fail(Errc::NoSuchGpu, fmt::format("the VM “{}” lists {}, and this computer has no such "
                                             "PCI function: remove it from the VM "
                                             "or correct its address",
                                             domain.name, missing));
}

DoctorFinding objection_to(const DomainRequest& domain, const Error& error) {
    DoctorFinding result{std::string(errc_name(error.code)),
                         Severity::Error,
                         domain.name,
                         error.message,
                         "",
                         "man:passthrud(8)"};
    if (const std::size_t colon = error.message.rfind(": "); colon != std::string::npos) {
        result.message = error.message.substr(0, colon);
        result.remedy = error.message.substr(colon + 2);
    }
    return result;
}

std::vector<DoctorFinding> findings_of_domain(const DomainRequest& domain,
                                              const Inventory& inventory,
                                              const std::vector<DeviceSet>& sets) {
    const auto is_listed = [&](const Bdf& bdf) {
        return std::ranges::find(domain.functions, bdf) != domain.functions.end();
    };
    std::vector<DoctorFinding> result;
    bool has_gpu = false;
    for (const DeviceSet& set : sets) {
        if (!touches(domain, set)) continue;
        has_gpu = true;
        for (const Bdf& bdf : moved_functions(set, {domain.functions, {}, {}})) {
            if (is_listed(bdf)) continue;
            result.push_back(
                {"not-in-the-vm", Severity::Note, bdf.str(),
                 fmt::format("{} ({}) goes from the host with {}, and the VM “{}” does not get it",
                             bdf.str(), class_name(inventory.functions.at(bdf).class_code),
                             set.id().str(), domain.name),
                 "add it to the VM as well, where the VM should have it", "man:passthrud(8)"});
        }
    }
    if (!has_gpu && check_functions(domain, inventory)) {
        result.push_back(
            {"no-gpu", Severity::Note, domain.name,
             fmt::format("the VM “{}” lists no GPU of this computer: passthrud lets it "
                         "start as it is",
                         domain.name),
             "", "man:passthrud(8)"});
    }
    return result;
}

}  // namespace passthru
