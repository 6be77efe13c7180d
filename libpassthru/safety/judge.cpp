// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/judge.hpp"

#include "libpassthru/safety/checks.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

Refusals check_answers(const DetachCase& it) {
    Refusals refusals;
    for (const Unanswering& found : it.findings.unanswering) {
        refusals.push_back({found.error.code, found.function, "", found.error.message,
                            "look for it in “journalctl -k”, and reboot if it does not come back"});
    }
    return refusals;
}

}  // namespace

Judgement judge(const DetachCase& it) {
    Judgement judgement;
    for (const auto check : {check_iommu, check_answers, check_reserved_memory, check_host_critical,
                             check_isolation, check_display, check_in_use, check_stub_driver}) {
        std::ranges::move(check(it), std::back_inserter(judgement.refusals));
    }
    judgement.warnings = warnings(it);
    return judgement;
}

std::vector<Bdf> moved_functions(const DeviceSet& set, const DetachWishes& wishes) {
    std::vector<Bdf> order = set.with_role(Role::Companion);
    for (const Bdf& bdf : set.with_role(Role::Foreign)) {
        if (wishes.lists(bdf)) order.push_back(bdf);
    }
    for (const Bdf& bdf : set.with_role(Role::Gpu)) order.push_back(bdf);
    return order;
}

std::string with_class(const Function& function) {
    return fmt::format("{} ({})", function.bdf.str(), class_name(function.class_code));
}

bool is_in_the_way(const Function& function, const DetachCase& it) {
    if (it.wishes.lists(function.bdf) || function.on_stub()) return false;
    return function.driver || !it.inventory.tells_drivers();
}

}  // namespace passthru
