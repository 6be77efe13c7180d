// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/findings.hpp"

#include "libpassthru/pci/config_header.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace passthru {

Findings inspect(const Root& root, const Inventory& inventory, const std::vector<Bdf>& functions) {
    Findings findings;
    for (const Bdf& bdf : functions) {
        const Function* function = inventory.find(bdf);
        if (function == nullptr) continue;
        const auto path = root.below("sys/bus/pci/devices") / bdf.str();
        const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0) continue;
        // A picture of a machine may have no config space at all.
        if (::faccessat(folder, "config", R_OK, 0) == 0) {
            if (const auto answer = check_answer(folder, bdf, function->id); !answer) {
                findings.unanswering.push_back({bdf, answer.error()});
            }
        }
        ::close(folder);
    }
    findings.critical = find_critical_uses(root, functions);
    findings.holders = find_holders(root, functions);
    return findings;
}

}  // namespace passthru
