// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/config_check.hpp"

#include "libpassthru/config/config.hpp"
#include "libpassthru/reset/quirks.hpp"

#include <fmt/format.h>

namespace passthru {

int check_config(const Root& root) {
    std::vector<std::string> mistakes;
    const auto config = read_config_files(root);
    if (config) {
        mistakes = config->warnings;
    } else {
        mistakes.push_back(config.error().message);
    }
    const ReadQuirks quirks = read_quirk_files(root);
    mistakes.insert(mistakes.end(), quirks.problems.begin(), quirks.problems.end());
    for (const std::string& mistake : mistakes) fmt::print("{}\n", mistake);
    if (!mistakes.empty()) return 1;
    fmt::print("The configuration is right: {} GPU sections, {} quirks.\n",
               config->config.gpus.size(), quirks.quirks.entries().size());
    return 0;
}

}  // namespace passthru
