// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/answering.hpp"

#include <filesystem>

namespace passthru::ctl {

std::unique_ptr<PasswordAgent> password_agent(const Common& common) {
    const bool may_ask = common.bus.prompt == Prompt::Allowed && !common.bus.host;
    return may_ask ? std::make_unique<PasswordAgent>() : nullptr;
}

Exit complain(const Common& common, const Problem& problem) {
    if (common.format == Format::Json) {
        fmt::print("{}\n", json_text({{"error", problem.error}, {"message", problem.message}}, 2));
    }
    fmt::print(stderr, "passthructl: {}\n", printable(problem.message));
    return problem.exit;
}

Answer<Root> machine(const Common& common) {
    if (!common.root) return Root();
    std::error_code error;
    if (std::filesystem::is_directory(common.root->below("sys/bus/pci/devices"), error)) {
        return *common.root;
    }
    return std::unexpected(problem_of(
        Error{Errc::Failed,
              fmt::format("{} is no copy of a machine: it has no folder sys/bus/pci/devices",
                          common.root->path().string()),
              0}));
}

Problem not_of_a_copy(std::string_view command) {
    return problem_of(
        Error{Errc::InvalidArgs,
              fmt::format("“{}” asks passthrud, which knows nothing of the machine below --root",
                          command),
              0});
}

Problem not_of_a_host(std::string_view command) {
    return problem_of(Error{
        Errc::InvalidArgs,
        fmt::format("“{}” works on this computer alone: log in to the other one for it", command),
        0});
}

}  // namespace passthru::ctl
