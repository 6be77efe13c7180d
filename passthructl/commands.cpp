// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/commands.hpp"

#include "libpassthru/config/config.hpp"
#include "libpassthru/pci/set_state.hpp"
#include "passthructl/columns.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pwd.h>

namespace passthru::ctl {
namespace {

template <typename Shown>
Exit show(const Common& common, const Shown& shown) {
    if (common.format == Format::Json) {
        fmt::print("{}\n",
                   to_json(shown).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        fmt::print("{}", to_text(shown, output_width()));
    }
    return Exit::Success;
}

Exit exit_for(Errc code) {
    switch (code) {
        case Errc::InvalidArgs: return Exit::Usage;
        case Errc::NoSuchGpu: return Exit::NotFound;
        case Errc::AccessDenied:
        case Errc::InteractiveAuthorizationRequired: return Exit::Denied;
        case Errc::Failed: return Exit::Failed;
        default: return Exit::Refused;
    }
}

Exit complain(const Common& common, const Error& error) {
    if (common.format == Format::Json) {
        const nlohmann::json text = {{"error", dbus_name(error.code)}, {"message", error.message}};
        fmt::print("{}\n", text.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    }
    fmt::print(stderr, "passthructl: {}\n", printable(error.message));
    return exit_for(error.code);
}

Exit no_daemon(const Common& common, const Error& error) {
    std::ignore = complain(common, error);
    return Exit::NoDaemon;
}

/// The computer itself, or the copy of one.
Result<Root> machine(const Common& common) {
    if (!common.root) return Root();
    std::error_code error;
    if (std::filesystem::is_directory(common.root->below("sys/bus/pci/devices"), error)) {
        return *common.root;
    }
    return fail(Errc::Failed, fmt::format("{} is no copy of a machine: it has no folder "
                                          "sys/bus/pci/devices",
                                          common.root->path().string()));
}

/// What only passthrud knows is not asked about a copy, which it does not know.
Error not_of_a_copy(std::string_view command) {
    return {Errc::InvalidArgs,
            fmt::format("“{}” asks passthrud, which knows nothing of the machine below --root",
                        command),
            0};
}

/// Everything that the machine's files tell.
std::vector<GpuRow> read_rows(const Root& root) {
    Inventory inventory = read_inventory(root);
    if (const auto config = read_config_files(root)) {
        inventory.asked_for = config->config.accelerators(inventory);
    }
    std::vector<GpuRow> rows;
    for (const DeviceSet& set : device_sets(inventory)) {
        for (const Bdf& bdf : set.with_role(Role::Gpu)) {
            rows.push_back({inventory.functions.at(bdf),
                            set,
                            "",
                            std::string(set_state_name(set_state(set, inventory))),
                            {}});
        }
    }
    return rows;
}

Exit plan_from_files(const Common& common, const std::string& action, const std::string& gpu) {
    const auto bdf = parse_bdf_or_short(gpu);
    if (!bdf) return complain(common, bdf.error());
    if (action != "detach") {
        return complain(common, {Errc::InvalidArgs,
                                 "only a detach can be planned without passthrud: what a card was "
                                 "before, passthrud knows",
                                 0});
    }
    const auto root = machine(common);
    if (!root) return complain(common, root.error());
    const auto run = dry_run_detach(*root, *bdf);
    if (run) return show(common, answer_of(*run));
    if (run.error().code != Errc::NoSuchGpu) return complain(common, run.error());
    std::ignore = show(common, refused_plan(*bdf, run.error()));
    return Exit::NotFound;
}

std::vector<HolderRow> rows_of(const std::vector<Holder>& holders) {
    std::vector<HolderRow> rows;
    for (const Holder& it : holders) {
        const passwd* user = it.pid == 0 ? nullptr : ::getpwuid(it.uid);
        rows.push_back({std::string(holder_kind_name(it.kind)), it.command,
                        static_cast<std::uint32_t>(it.pid),
                        user != nullptr ? user->pw_name : std::to_string(it.uid), it.node,
                        it.function.str(), it.unit, it.session});
    }
    return rows;
}

Exit holders_from_files(const Common& common, const std::string& gpu) {
    const auto bdf = parse_bdf_or_short(gpu);
    if (!bdf) return complain(common, bdf.error());
    const auto root = machine(common);
    if (!root) return complain(common, root.error());
    const Inventory inventory = read_inventory(*root);
    for (const DeviceSet& set : device_sets(inventory)) {
        if (!set.contains(*bdf)) continue;
        std::vector<Bdf> members;
        for (const Member& member : set.members) members.push_back(member.bdf);
        return show(common, rows_of(find_holders(*root, members)));
    }
    return complain(common, {Errc::NoSuchGpu,
                             fmt::format("{} belongs to no GPU of this computer", bdf->str()), 0});
}

}  // namespace

Exit list(const Common& common) {
    const auto root = machine(common);
    if (!root) return complain(common, root.error());
    std::vector<GpuRow> rows = read_rows(*root);
    if (common.root) return show(common, rows);
    const auto daemon = Daemon::connect();
    const auto known = daemon ? (*daemon)->gpus() : std::unexpected(daemon.error());
    if (!known) {
        fmt::print(stderr, "passthructl: owners are not known: {}\n", known.error().message);
        return show(common, rows);
    }
    for (GpuRow& row : rows) {
        const auto found = known->find(row.gpu.bdf);
        if (found == known->end()) continue;
        row.model = found->second.vendor.empty() ? found->second.model
                                                 : found->second.vendor + " " + found->second.model;
        row.state = found->second.state;
        row.owner = found->second.owner;
    }
    return show(common, rows);
}

Exit plan(const Common& common, const std::string& action, const std::string& gpu) {
    if (action != "detach" && action != "reattach" && action != "reset") {
        return complain(
            common,
            {Errc::InvalidArgs,
             fmt::format("“{:.40}” cannot be planned: only detach, reattach and reset", action),
             0});
    }
    if (common.root) return plan_from_files(common, action, gpu);
    const auto daemon = Daemon::connect();
    const auto path = daemon ? (*daemon)->find(gpu) : std::unexpected(daemon.error());
    if (!path && path.error().code == Errc::Failed) {
        fmt::print(stderr,
                   "passthructl: {}; this is from what you may see yourself, other users' programs "
                   "may be missing\n",
                   path.error().message);
        return plan_from_files(common, action, gpu);
    }
    if (!path) return complain(common, path.error());
    const auto answer = (*daemon)->plan(*path, action);
    if (!answer) return complain(common, answer.error());
    return show(common, *answer);
}

Exit owner(const Common& common, const std::string& gpu) {
    if (common.root) return complain(common, not_of_a_copy("owner"));
    const auto daemon = Daemon::connect();
    if (!daemon) return no_daemon(common, daemon.error());
    const auto owner = (*daemon)->owner(gpu);
    if (!owner) return complain(common, owner.error());
    if (common.format == Format::Json) {
        const nlohmann::json json = {
            {"kind", owner->at(0)}, {"id", owner->at(1)}, {"name", owner->at(2)}};
        fmt::print("{}\n", json.dump(2));
    } else {
        fmt::print("{}\n", owner->at(0) == "host"
                               ? "host"
                               : fmt::format("{} {} {}", owner->at(0), owner->at(1), owner->at(2)));
    }
    return Exit::Success;
}

Exit holders(const Common& common, const std::string& gpu) {
    if (common.root) return holders_from_files(common, gpu);
    const auto daemon = Daemon::connect();
    if (!daemon) return no_daemon(common, daemon.error());
    const auto path = (*daemon)->find(gpu);
    if (!path) return complain(common, path.error());
    const auto rows = (*daemon)->holders(*path);
    if (!rows) return complain(common, rows.error());
    return show(common, *rows);
}

Exit move(const Common& common, const std::string& verb, const std::string& gpu,
          const std::string& method) {
    if (common.root) return complain(common, not_of_a_copy(verb));
    const auto daemon = Daemon::connect();
    if (!daemon) return no_daemon(common, daemon.error());
    const auto path = (*daemon)->find(gpu);
    if (!path) return complain(common, path.error());
    std::string called = verb;
    called.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(called.front())));
    const auto done = (*daemon)->move(*path, called, method);
    if (!done) return complain(common, done.error());
    return Exit::Success;
}

Exit forget(const Common& common, const std::string& domain) {
    if (common.root) return complain(common, not_of_a_copy("forget"));
    const auto daemon = Daemon::connect();
    if (!daemon) return no_daemon(common, daemon.error());
    const auto done = (*daemon)->forget(domain);
    if (!done) return complain(common, done.error());
    return Exit::Success;
}

}  // namespace passthru::ctl
