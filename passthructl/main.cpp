// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/commands.hpp"
#include "passthructl/run.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

int main(int argc, char** argv) {
    using namespace passthru::ctl;
    std::string root;
    std::string action;
    std::string gpu;
    std::string domain;
    std::string method;
    bool json = false;

    CLI::App app("Asks and tells passthrud about GPUs and virtual machines. See passthructl(1).");
    app.set_version_flag("--version", PASSTHRU_VERSION);
    app.add_flag("-j,--json", json, "Print JSON, as passthructl(1) describes it");
    app.add_option("--root", root,
                   "Read /sys, /proc and /etc below this folder and ask no daemon: list, plan "
                   "detach, holders")
        ->check(CLI::ExistingDirectory);
    app.require_subcommand(0, 1);
    app.fallthrough();
    app.add_subcommand("list", "Show the GPUs and who has them (the default)");
    auto* plan_command = app.add_subcommand("plan", "Show what would be done, or why not");
    plan_command->add_option("action", action, "detach, reattach or reset")->required();
    plan_command->add_option("gpu", gpu, "0000:01:00.0, 01:00.0, or a part of its name")
        ->required();
    auto* owner_command = app.add_subcommand("owner", "Show who has a GPU");
    owner_command->add_option("gpu", gpu, "0000:01:00.0 or 01:00.0")->required();
    auto* holders_command = app.add_subcommand("holders", "Show which programs have a GPU open");
    holders_command->add_option("gpu", gpu, "0000:01:00.0, 01:00.0, or a part of its name")
        ->required();
    const auto mover = [&](const char* verb, const char* what) {
        auto* command = app.add_subcommand(verb, what);
        command->add_option("gpu", gpu, "0000:01:00.0, 01:00.0, or a part of its name")->required();
        return command;
    };
    auto* detach_command = mover("detach", "Take a GPU from the host and keep it ready for VMs");
    auto* reattach_command = mover("reattach", "Give a GPU back to the host");
    auto* reset_command = mover("reset", "Reset a GPU that is detached or has failed");
    reset_command->add_option("--method", method, "By this method only, such as flr, bus or suspend");
    auto* forget_command = app.add_subcommand(
        "forget", "Let a VM start with other devices at the addresses that it had last time");
    forget_command->add_option("vm", domain, "The VM's name or UUID")->required();
    auto* run_command = app.add_subcommand("run", "Run a command that has a GPU until it ends");
    std::vector<std::string> words;
    run_command->add_option("gpu", gpu, "0000:01:00.0, 01:00.0, or a part of its name")->required();
    run_command->add_option("command", words, "The command and its arguments, after --")
        ->required();
    app.add_subcommand("help", "Show this text");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::Usage);
    }
    Common common;
    common.format = json ? Format::Json : Format::Text;
    if (!root.empty()) common.root = passthru::Root(root);

    Exit status = Exit::Success;
    if (app.got_subcommand("help")) {
        fmt::print("{}", app.help());
    } else if (*plan_command) {
        status = plan(common, action, gpu);
    } else if (*owner_command) {
        status = owner(common, gpu);
    } else if (*holders_command) {
        status = holders(common, gpu);
    } else if (*detach_command) {
        status = move(common, "detach", gpu, "");
    } else if (*reattach_command) {
        status = move(common, "reattach", gpu, "");
    } else if (*reset_command) {
        status = move(common, "reset", gpu, method);
    } else if (*run_command) {
        return run(common, gpu, words);
    } else if (*forget_command) {
        status = forget(common, domain);
    } else {
        status = list(common);
    }
    return static_cast<int>(status);
}
