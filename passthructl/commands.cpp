// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/commands.hpp"

#include "passthructl/answering.hpp"
#include "passthructl/daemon.hpp"
#include "passthructl/domain.hpp"
#include "passthructl/from_files.hpp"

#include <algorithm>

namespace passthru::ctl {
namespace {

/// May the files of this computer stand in for passthrud's answer?
bool falls_back(const Common& common, const Problem& problem) {
    return problem.exit == Exit::NoDaemon && !common.bus.host;
}

/// From passthrud, or from the files where it cannot be reached.
Answer<std::vector<GpuRow>> all_gpus(const Common& common) {
    const auto root = machine(common);
    if (!root) return std::unexpected(root.error());
    if (common.root) return gpus_from_files(*root);
    auto daemon = Daemon::connect(common.bus);
    auto gpus = daemon ? daemon->gpus() : std::unexpected(daemon.error());
    if (gpus || !falls_back(common, gpus.error())) return gpus;
    fmt::print(stderr, "passthructl: owners are not known: {}\n", printable(gpus.error().message));
    return gpus_from_files(*root);
}

/// The question to passthrud about the object that `gpu` names.
template <typename Question>
auto ask(const Common& common, const std::string& gpu, Question question)
    -> decltype(question(std::declval<Daemon&>(), gpu)) {
    auto daemon = Daemon::connect(common.bus);
    if (!daemon) return std::unexpected(daemon.error());
    const auto path = daemon->find(gpu);
    if (!path) return std::unexpected(path.error());
    return question(*daemon, *path);
}

Exit show_plan(const Common& common, const Answer<PlanAnswer>& plan) {
    if (!plan) return complain(common, plan.error());
    std::ignore = show(common, *plan);
    const bool is_missing =
        !plan->refusals.empty() && plan->refusals.front().error == dbus_name(Errc::NoSuchGpu);
    return is_missing ? Exit::NotFound : Exit::Success;
}

template <typename Shown>
Exit show_answer(const Common& common, const Answer<Shown>& answer) {
    return answer ? show(common, *answer) : complain(common, answer.error());
}

}  // namespace

Exit list(const Common& common) {
    return show_answer(common, all_gpus(common));
}

Exit complete_gpus(const Common& common) {
    const auto root = machine(common);
    if (!root) return root.error().exit;
    auto daemon = common.root ? std::unexpected(Problem{}) : Daemon::connect(common.bus);
    const auto known = daemon ? daemon->gpus() : std::unexpected(daemon.error());
    for (const GpuRow& gpu : known ? *known : gpus_from_files(*root)) {
        fmt::print("{}\t{}\n", gpu.address, printable(short_name_of(gpu)));
    }
    return Exit::Success;
}

Exit status(const Common& common, const std::string& gpu) {
    if (gpu.empty() || common.root) {
        const auto gpus = all_gpus(common);
        if (!gpus) return complain(common, gpus.error());
        if (gpu.empty()) return show(common, Details{*gpus});
        const auto found = find_gpu(*gpus, gpu);
        return found ? show(common, Details{{*found}}) : complain(common, found.error());
    }
    auto daemon = Daemon::connect(common.bus);
    auto found = daemon ? daemon->gpu(gpu) : std::unexpected(daemon.error());
    if (!found && falls_back(common, found.error())) {
        const auto gpus = all_gpus(common);
        found = gpus ? find_gpu(*gpus, gpu) : std::unexpected(gpus.error());
    }
    return found ? show(common, Details{{*found}}) : complain(common, found.error());
}

Exit doctor(const Common& common, const std::string& vm) {
    const auto root = machine(common);
    if (!root) return complain(common, root.error());
    std::optional<std::string> xml;
    if (!vm.empty()) {
        auto read = domain_xml(vm, common.bus.host);
        if (!read) return complain(common, read.error());
        xml = std::move(*read);
    }
    Answer<std::vector<FindingRow>> found;
    if (common.root) {
        found = findings_from_files(*root, xml);
    } else {
        auto daemon = Daemon::connect(common.bus);
        found = daemon ? daemon->diagnose(xml) : std::unexpected(daemon.error());
        if (!found && falls_back(common, found.error())) {
            const Problem away = found.error();
            found = findings_from_files(*root, xml);
            if (!found) return complain(common, found.error());
            found->insert(found->begin(), {"no-daemon", "error", "", away.message,
                                           "systemctl status passthrud", "man:passthrud(8)"});
        }
    }
    if (!found) return complain(common, found.error());
    std::ignore = show(common, *found);
    const bool well = std::ranges::find(*found, "error", &FindingRow::severity) == found->end();
    return well ? Exit::Success : Exit::Failed;
}

Exit plan(const Common& common, const std::string& action, const std::string& gpu) {
    if (action != "detach" && action != "reattach" && action != "reset") {
        return complain(
            common,
            problem_of(Error{
                Errc::InvalidArgs,
                fmt::format("“{:.40}” cannot be planned: only detach, reattach and reset", action),
                0}));
    }
    const auto root = machine(common);
    if (!root) return complain(common, root.error());
    if (common.root) return show_plan(common, plan_from_files(*root, action, gpu));
    const auto answer = ask(common, gpu, [&](Daemon& daemon, const std::string& path) {
        return daemon.plan(path, action);
    });
    if (answer || !falls_back(common, answer.error())) return show_answer(common, answer);
    fmt::print(stderr,
               "passthructl: {}; this is from what you may see yourself, other users' programs "
               "may be missing\n",
               printable(answer.error().message));
    return show_plan(common, plan_from_files(*root, action, gpu));
}

Exit owner(const Common& common, const std::string& gpu) {
    if (common.root) return complain(common, not_of_a_copy("owner"));
    auto daemon = Daemon::connect(common.bus);
    return show_answer(common, daemon ? daemon->owner(gpu) : std::unexpected(daemon.error()));
}

Exit holders(const Common& common, const std::string& gpu) {
    const auto root = machine(common);
    if (!root) return complain(common, root.error());
    if (common.root) return show_answer(common, holders_from_files(*root, gpu));
    return show_answer(common, ask(common, gpu, [](Daemon& daemon, const std::string& path) {
                           return daemon.holders(path);
                       }));
}

Exit forget(const Common& common, const std::string& domain) {
    if (common.root) return complain(common, not_of_a_copy("forget"));
    auto daemon = Daemon::connect(common.bus);
    const auto agent = password_agent(common);
    const auto done = daemon ? daemon->forget(domain) : std::unexpected(daemon.error());
    if (!done) return complain(common, done.error());
    if (common.format == Format::Json) fmt::print("{}\n", json_text({{"domain", domain}}, 2));
    return Exit::Success;
}

}  // namespace passthru::ctl
