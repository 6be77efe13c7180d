// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/executor.hpp"

#include "libpassthru/config/config.hpp"
#include "libpassthru/pci/config_header.hpp"
#include "libpassthru/pci/vfio_nodes.hpp"
#include "libpassthru/safety/host_critical.hpp"
#include "libpassthru/safety/judge.hpp"
#include "libpassthru/safety/services.hpp"
#include "worker/function_folder.hpp"
#include "worker/holder_wait.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <set>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace passthru {
namespace {

/// It is done with a device that has just come in a moment, on a busy computer too.
constexpr std::chrono::seconds time_for_udev{10};

std::string text_of(int folder, const char* name) {
    return read_attribute_at(folder, name).value_or("");
}

std::optional<std::string> override_of(int folder) {
    std::string text = text_of(folder, "driver_override");
    if (text.empty() || text == "(null)") return std::nullopt;
    return text;
}

Error cancelled() {
    return Error{Errc::Cancelled, "the move was cancelled", 0};
}

}  // namespace

int write_attribute(int folder, const char* name, std::string_view value) {
    const int fd = ::openat(folder, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    const ssize_t written = ::write(fd, value.data(), value.size());
    const int error = written < 0 ? errno : 0;
    ::close(fd);
    return error;
}

int give_node_to(const std::filesystem::path& node, std::uint32_t user) {
    return ::chown(node.c_str(), user, static_cast<gid_t>(-1)) == 0 ? 0 : errno;
}

Executor::Executor(Root root, KernelDoors kernel)
    : root_(std::move(root)), kernel_(std::move(kernel)) {}

Executor::~Executor() {
    for (const auto& [bdf, folder] : folders_) ::close(folder);
    if (bus_folder_ >= 0) ::close(bus_folder_);
}

void Executor::run(const Plan& plan, const Report& report, const Interrupt& interrupt) {
    report_ = report;
    interrupt_ = interrupt;
    if (const auto opened = open_functions(plan); !opened) {
        report(PlanFailed{0, opened.error()});
        return;
    }
    for (std::size_t index = 0; index < plan.steps.size(); ++index) {
        if (interrupt_.wanted()) {
            report(PlanFailed{index, cancelled()});
            return;
        }
        if (const auto done = perform(plan.steps[index], index); !done) {
            report(PlanFailed{index, done.error()});
            return;
        }
        report(StepDone{index});
    }
    report(PlanDone{});
}

Result<void> Executor::open_functions(const Plan& plan) {
    bus_folder_ = ::open(root_.below("sys/bus/pci").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (bus_folder_ < 0) return fail(Errc::Failed, "there is no /sys/bus/pci", errno);
    // In order of address, so that two plans cannot wait for each other.
    std::set<Bdf> functions;
    for (const Step& step : plan.steps) {
        for (const Bdf& bdf : functions_of(step)) functions.insert(bdf);
    }
    for (const Bdf& bdf : functions) {
        const auto path = root_.below("sys/bus/pci/devices") / bdf.str();
        const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0) return gone(bdf, errno);
        folders_.emplace(bdf, folder);
        if (::flock(folder, LOCK_EX) != 0) return fail(Errc::Failed, reason(errno), errno);
        if (auto endpoint = check_endpoint(bdf, folder); !endpoint) return endpoint;
    }
    return {};
}

Result<void> Executor::check_endpoint(const Bdf& bdf, int folder) const {
    const auto header = read_config(folder);
    // A card that does not answer shows header type 127; the step that asks for answers says so.
    // The class is what the kernel remembers.
    const std::string remembered = text_of(folder, "class");
    const bool bridge = remembered.starts_with("0x0604") || remembered.starts_with("0x0600") ||
                        (header && header->answers() && header->type() != 0);
    if (bridge) {
        return fail(Errc::InvalidArgs, fmt::format("{} is a bridge and is never moved", bdf.str()));
    }
    return {};
}

Result<void> Executor::perform(const Step& step, std::size_t index) {
    return std::visit(
        Overloaded{
            [this](const step::CheckAnswers& it) { return check_answers(it); },
            [this](const step::CheckNotCritical& it) { return check_not_critical(it); },
            [this, index](const step::CheckUnused& it) { return check_unused(it, index); },
            [this](const step::SetOverride& it) { return set_override(it); },
            [this](const step::Unbind& it) { return unbind(it); },
            [this](const step::Probe& it) { return probe(it); },
            [this](const step::WriteSetting& it) { return write_setting(it); },
            [this, index](const step::Reset& it) { return reset(it, index); },
            [this](const step::LendNodes& it) { return lend_nodes(it); },
            [this](const step::StopService& it) { return stop_service(it); },
            [this](const step::StartService& it) {
                start_service(it);
                return Result<void>();
            },
        },
        step);
}

Result<void> Executor::check_answers(const step::CheckAnswers& step) {
    return check_answer(folder_of(step.bdf), step.bdf, step.id);
}

Result<void> Executor::check_not_critical(const step::CheckNotCritical& step) {
    std::vector<CriticalUse> uses = find_critical_uses(root_, step.functions);
    if (step.rule == CriticalRule::RefuseDisksAndBoard) {
        std::erase_if(uses, [](const CriticalUse& use) {
            return use.kind == CriticalKind::Network || use.kind == CriticalKind::Input;
        });
    }
    // What is mounted only in a container's namespace stands in no list; the kernel knows it.
    if (uses.empty()) uses = find_claimed_disks(root_, step.functions);
    if (uses.empty()) return {};
    const CriticalUse& use = uses.front();
    return fail(Errc::HostCritical,
                fmt::format("{} {}: {}", use.function.str(), use.what, use.remedy));
}

Result<void> Executor::check_unused(const step::CheckUnused& step, std::size_t index) {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    bool first = true;
    std::set<pid_t> asked;
    while (true) {
        const std::vector<Holder> holders = holders_in_the_way(step);
        if (holders.empty()) return {};
        const bool udev_alone = std::ranges::all_of(holders, is_of_udev);
        const auto wait = udev_alone ? std::max(step.wait, time_for_udev) : step.wait;
        if (Clock::now() >= begin + wait) {
            const std::string waited =
                wait.count() == 0 ? ""
                                  : fmt::format(" and was not let go within {} s", wait.count());
            return fail(Errc::InUse,
                        fmt::format("{} is in use by {}{}: {}", holders.front().function.str(),
                                    describe(holders), waited, how_to_free_from(holders)));
        }
        if (step.rule == HolderRule::AskThenRefuse) ask_to_end(holders, asked);
        if (first && !udev_alone) {
            report_(Waiting{index, describe(holders)});
            first = false;
        }
        const WaitEnd end = wait_for_release(root_, holders, begin + wait, interrupt_.descriptor);
        // Nothing was changed yet: a daemon that is gone has nobody left who waits for this either.
        if (end == WaitEnd::Interrupted) return std::unexpected(cancelled());
    }
}

std::vector<Holder> Executor::holders_in_the_way(const step::CheckUnused& step) {
    std::vector<Holder> holders = find_holders(root_, step.functions);
    std::erase_if(holders, [&](const Holder& holder) {
        return !blocks(holder) || (step.rule == HolderRule::RefuseDangerous &&
                                   may_be_ignored(holder, driver_of(folder_of(holder.function))));
    });
    return holders;
}

Result<void> Executor::set_override(const step::SetOverride& step) {
    const int folder = folder_of(step.bdf);
    if (override_of(folder) == step.to) return {};
    // An empty write never reaches the kernel; a newline clears.
    const int error = kernel_.write(folder, "driver_override", step.to ? *step.to + "\n" : "\n");
    if (override_of(folder) == step.to) return {};
    return fail(Errc::BindFailed,
                fmt::format("driver_override of {} could not be set to {}: {}", step.bdf.str(),
                            step.to.value_or("nothing"), reason(error)),
                error);
}

Result<void> Executor::unbind(const step::Unbind& step) {
    const int folder = folder_of(step.bdf);
    // Where another tool has bound it elsewhere, the Probe that follows says so.
    if (driver_of(folder) != step.driver) return {};
    const int error = kernel_.write(folder, "driver/unbind", step.bdf.str());
    if (driver_of(folder) != step.driver) return {};
    return fail(Errc::BindFailed,
                fmt::format("the driver {} did not let {} go: {}", step.driver, step.bdf.str(),
                            reason(error)),
                error);
}

Result<void> Executor::probe(const step::Probe& step) {
    const int folder = folder_of(step.bdf);
    if (driver_of(folder) == step.driver) return {};
    const int error = kernel_.write(bus_folder_, "drivers_probe", step.bdf.str());
    // The write succeeds even when nothing was bound; only the link tells.
    const auto after = driver_of(folder);
    if (after == step.driver) return {};
    return fail(Errc::BindFailed,
                fmt::format("{} did not go to the driver {}: {}", step.bdf.str(), step.driver,
                            after ? "it is on " + *after : reason(error)),
                error);
}

Result<void> Executor::write_setting(const step::WriteSetting& step) {
    const int folder = folder_of(step.bdf);
    const std::string name(attribute_of(step.setting));
    if (text_of(folder, name.c_str()) == step.to) return {};
    int error = kernel_.write(folder, name.c_str(), step.to + "\n");
    if (text_of(folder, name.c_str()) == step.to) return {};
    // A method that is there no more, or never was one: the `bus` of a card with several functions.
    if (step.setting == Setting::ResetMethod && error == EINVAL) {
        error = kernel_.write(folder, name.c_str(), "default\n");
        if (error == 0) return {};
    }
    return fail(Errc::BindFailed,
                fmt::format("{} of {} could not be set to {}: {}", name, step.bdf.str(), step.to,
                            reason(error)),
                error);
}

Result<void> Executor::reset(const step::Reset& step, std::size_t index) {
    return CardReset(step,
                     {root_, kernel_, folders_,
                      [this, index](const ResetTrial& trial) { report_(ResetTried{index, trial}); },
                      interrupt_.wanted})
        .run();
}

Result<void> Executor::lend_nodes(const step::LendNodes& step) {
    const auto nodes = vfio_nodes(root_, step.functions);
    for (const std::string& node : nodes) {
        const int error = kernel_.give_node(root_.below(node.substr(1)), step.user);
        // Gone already, with whom it belonged to.
        if (error == 0 || error == ENOENT) continue;
        return fail(
            Errc::Failed,
            fmt::format("{} could not be given to user {}: {}", node, step.user, reason(error)),
            error);
    }
    if (!nodes.empty() || step.user == 0) return {};
    return fail(Errc::Failed, fmt::format("{} has no VFIO node: vfio-pci made none",
                                          step.functions.front().str()));
}

/// Not what passthrud says counts, but what root wrote.
bool Executor::may_control(const std::string& service) const {
    const auto read = read_config_files(root_);
    return read && std::ranges::any_of(read->config.stop_services(), [&](const std::string& it) {
               return service_behind(root_, it) == service;
           });
}

Result<void> Executor::stop_service(const step::StopService& step) {
    if (may_control(step.service)) return kernel_.stop_service(step.service, interrupt_.descriptor);
    return fail(
        Errc::InvalidArgs,
        fmt::format("{} is not to be stopped: passthrud.conf(5) does not name it", step.service));
}

/// The host has its GPU: a service that does not start makes nothing worse, and is systemd's to
/// tell about.
void Executor::start_service(const step::StartService& step) {
    const auto started =
        may_control(step.service)
            ? kernel_.start_service(step.service)
            : fail(Errc::InvalidArgs, "passthrud.conf(5) does not name it any more");
    if (started) return;
    std::fprintf(stderr, "passthru-worker: %s stays stopped: %s\n", step.service.c_str(),
                 started.error().message.c_str());
}

}  // namespace passthru
