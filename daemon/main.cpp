// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/config_check.hpp"
#include "daemon/wiring.hpp"

#include <CLI/CLI.hpp>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

namespace {

/// Under systemd straight into the journal, by hand to the terminal.
void set_up_log() {
    if (std::getenv("JOURNAL_STREAM") != nullptr) {
        spdlog::set_default_logger(spdlog::systemd_logger_mt("passthrud", "passthrud"));
        spdlog::set_pattern("%v");
    } else {
        spdlog::set_default_logger(spdlog::stderr_color_mt("passthrud"));
        spdlog::set_pattern("%^%l%$: %v");
    }
}

}  // namespace

int main(int argc, char** argv) {
    passthru::Settings settings;
    settings.worker = {PASSTHRU_WORKER_SOCKET, PASSTHRU_WORKER_PROGRAM, {}};

    CLI::App app(
        "Hands a GPU's whole IOMMU group to a virtual machine and takes it back. See "
        "passthrud(8).");
    app.set_version_flag("--version", PASSTHRU_VERSION);
    app.add_option("--root", settings.root, "Read /sys, /proc, /dev and /etc below this folder");
    app.add_option("--runtime-dir", settings.runtime_folder, "Where the journal is")
        ->capture_default_str();
    app.add_option("--state-dir", settings.state_folder,
                   "Where what VMs had last time is remembered")
        ->capture_default_str();
    app.add_option("--libvirt-uri", settings.libvirt_uri, "Whose VMs are watched")
        ->capture_default_str();
    auto* worker =
        app.add_option("--worker", settings.worker.program,
                       "Run this program for each plan, instead of asking systemd for one");
    app.add_option_function<int>(
           "--step-limit", [&](int it) { settings.step_limit = std::chrono::seconds(it); },
           "Seconds until a step that does not come back is stuck")
        ->check(CLI::Range(1, 3600))
        ->default_str("30");
    app.add_option_function<double>(
           "--reconcile-interval",
           [&](double it) {
               settings.reconcile_interval = std::chrono::microseconds(std::llround(it * 1e6));
           },
           "While a VM has a GPU: seconds between two questions which VMs run")
        ->check(CLI::Range(0.001, 86400.0))
        ->default_str("120");
    bool only_check = false;
    app.add_flag("--check-config", only_check, "Read the configuration, tell mistakes, and exit");
    CLI11_PARSE(app, argc, argv);
    if (only_check) return passthru::check_config(passthru::Root(settings.root));
    if (worker->count() > 0) settings.worker.socket.clear();
    if (settings.root != "/") settings.worker.arguments = {"--root", settings.root.string()};

    set_up_log();
    // Workers of our own are never waited for: the kernel reaps them.
    std::signal(SIGCHLD, SIG_IGN);
    std::signal(SIGPIPE, SIG_IGN);
    try {
        passthru::EventLoop loop;
        loop.enable_watchdog();
        const auto on_term = loop.on_signal(SIGTERM, [&] { loop.quit(0); });
        const auto on_int = loop.on_signal(SIGINT, [&] { loop.quit(0); });
        passthru::Wiring wiring(loop, settings);
        const auto on_hup = loop.on_signal(SIGHUP, [&] { wiring.reload(); });
        if (const auto started = wiring.start(); !started) {
            spdlog::critical("{}", started.error().message);
            return 1;
        }
        sd_notify(0, "READY=1\nSTATUS=Watching");
        const int status = loop.run();
        sd_notify(0, "STOPPING=1");
        return status;
    } catch (const std::exception& error) {
        spdlog::critical("passthrud cannot run: {}", error.what());
        return 1;
    }
}
