// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/card_reset.hpp"

#include "libpassthru/pci/config_header.hpp"
#include "worker/function_folder.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <ranges>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace passthru {
namespace {

namespace fs = std::filesystem;

int open_folder(const fs::path& path) {
    return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool is_same(int folder, int other) {
    struct stat one{};
    struct stat two{};
    return ::fstat(folder, &one) == 0 && ::fstat(other, &two) == 0 && one.st_dev == two.st_dev &&
           one.st_ino == two.st_ino;
}

/// Every function below this bridge, at any depth.
std::vector<Bdf> below(const fs::path& bridge) {
    std::vector<Bdf> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(bridge, error)) {
        const auto bdf = parse_bdf(entry.path().filename().string());
        if (!bdf || !entry.is_directory()) continue;
        const auto further = below(entry.path());
        // A bridge between is reset with the rest, and nobody's.
        if (further.empty()) found.push_back(*bdf);
        found.insert(found.end(), further.begin(), further.end());
    }
    return found;
}

}  // namespace

Result<void> CardReset::run() {
    if (const auto used = in_use(step_.chain.functions)) {
        // A plan that is run again after a crash finds it on its way home.
        if (step_.demand == ResetDemand::IfPossible) return {};
        return std::unexpected(*used);
    }
    std::string tried;
    for (const ResetAttempt& it : step_.chain.attempts) {
        // Pulled out: what is left of the card goes on without it.
        for (const Bdf& bdf : step_.chain.functions) {
            const int folder = doors_.folders.at(bdf);
            if (::faccessat(folder, "vendor", F_OK, 0) != 0) return gone(bdf, errno);
        }
        // Nothing is reset by it; it only finds a card again that is lost.
        if (it.means == ResetMeans::RemoveRescan && !illness()) continue;
        if (doors_.cancelled()) return fail(Errc::Cancelled, "the reset was cancelled");
        const ResetTrial trial = attempt(it);
        doors_.report(trial);
        if (trial.end == TrialEnd::Well) return {};
        tried += fmt::format(
            "{}{} ({})", tried.empty() ? "" : ", ", it.method,
            trial.end == TrialEnd::NotOffered ? "the kernel does not offer it" : trial.message);
    }
    const std::string card = step_.chain.functions.front().str();
    if (const auto ill = illness()) {
        return fail(
            Errc::NeedsReboot,
            fmt::format("{}; {}: ask for Reset of {} to try again, or reboot the computer", *ill,
                        tried.empty() ? "there is no way to reset it" : "tried were " + tried,
                        card));
    }
    if (step_.demand == ResetDemand::IfPossible) return {};
    return fail(
        Errc::ResetFailed,
        fmt::format("{} was not reset, and answers all the same; tried were {}: leave it as "
                    "it is, or reboot the computer",
                    card, tried));
}

/// The kernel would reset a card under its live driver (drivers/pci/pci-sysfs.c:reset_store asks
/// nobody).
std::optional<Error> CardReset::in_use(const std::vector<Bdf>& functions) const {
    for (const Bdf& bdf : functions) {
        const auto driver = driver_of(doors_.folders.at(bdf));
        if (!driver || is_stub_driver(*driver)) continue;
        return Error{Errc::InUse,
                     fmt::format("{} is with its driver {} and is not reset: detach it first",
                                 bdf.str(), *driver),
                     0};
    }
    return std::nullopt;
}

std::map<Bdf, Vitals> CardReset::vitals() const {
    std::map<Bdf, Vitals> all;
    for (const Bdf& bdf : step_.chain.functions) {
        all.emplace(bdf, look_at_vitals(doors_.folders.at(bdf), bdf));
    }
    return all;
}

std::optional<std::string> CardReset::illness() const {
    for (const auto& [bdf, now] : vitals()) {
        if (now.illness) return now.illness;
    }
    return std::nullopt;
}

std::optional<std::string> CardReset::trouble_since(const std::map<Bdf, Vitals>& before) const {
    for (const auto& [bdf, now] : vitals()) {
        if (now.illness) return now.illness;
        if (auto worse = what_got_worse(bdf, before.at(bdf), now)) return worse;
    }
    return std::nullopt;
}

ResetTrial CardReset::attempt(const ResetAttempt& attempt) const {
    const auto before = vitals();
    const auto began = std::chrono::steady_clock::now();
    ResetTrial trial;
    trial.method = attempt.method;
    trial.function = step_.chain.functions.front();
    trial.at = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                              std::chrono::system_clock::now().time_since_epoch())
                                              .count());
    Outcome outcome = perform(attempt);
    if (outcome.end == TrialEnd::Well) {
        // Nothing tells when the card's own firmware is ready; its quirk says how long it takes.
        std::this_thread::sleep_for(step_.chain.wait);
        if (auto trouble = trouble_since(before)) {
            outcome = {TrialEnd::NotWell, std::move(*trouble)};
        }
    }
    trial.took = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - began);
    trial.end = outcome.end;
    trial.message = std::move(outcome.message);
    return trial;
}

CardReset::Outcome CardReset::perform(const ResetAttempt& attempt) const {
    // What else is on the bus may have come to the host meanwhile.
    if (const auto used = in_use(attempt.functions)) return {TrialEnd::Failed, used->message};
    switch (attempt.means) {
        case ResetMeans::Attribute:
            for (const Bdf& bdf : attempt.functions) {
                Outcome outcome = by_attribute(bdf, attempt.method);
                if (outcome.end != TrialEnd::Well) return outcome;
            }
            return {};
        case ResetMeans::VfioHotReset:
            if (const int error = doors_.kernel.hot_reset(doors_.root, attempt.functions);
                error != 0) {
                return {TrialEnd::Failed, reason(error)};
            }
            return {};
        case ResetMeans::Subordinate: return by_bridge(attempt);
        case ResetMeans::RemoveRescan: return by_removal(attempt, [] { return Outcome{}; });
        case ResetMeans::SleepInRam:
            if (auto ill = illness()) {
                return {TrialEnd::Failed, *ill + " and would have to be removed meanwhile"};
            }
            return by_sleep();
        case ResetMeans::RemoveSleepRescan:
            if (!illness()) return by_sleep();
            return by_removal(attempt, [this] { return by_sleep(); });
    }
    return {TrialEnd::NotOffered, ""};
}

/// To choose one method is also how a module's method is found (vendor-reset): the kernel's list is
/// from when it found the function.
CardReset::Outcome CardReset::by_attribute(const Bdf& bdf, const std::string& method) const {
    const int folder = doors_.folders.at(bdf);
    const auto before = read_attribute_at(folder, "reset_method");
    if (!before) return {TrialEnd::NotOffered, ""};
    if (*before != method) {
        const int error = doors_.kernel.write(folder, "reset_method", method + "\n");
        if (read_attribute_at(folder, "reset_method") != method) {
            if (error == EINVAL || error == 0) return {TrialEnd::NotOffered, ""};
            return {TrialEnd::Failed, reason(error)};
        }
    }
    const int error = doors_.kernel.write(folder, "reset", "1");
    if (*before != method) {
        // Where the list from before had a lie in it (`bus` of a card with several functions) the
        // kernel does not take it back, and makes its own.
        if (doors_.kernel.write(folder, "reset_method", *before + "\n") != 0) {
            std::ignore = doors_.kernel.write(folder, "reset_method", "default\n");
        }
    }
    if (error == 0) return {};
    return {error == ENOTTY ? TrialEnd::NotOffered : TrialEnd::Failed,
            error == ENOTTY ? "" : reason(error)};
}

CardReset::Outcome CardReset::by_bridge(const ResetAttempt& attempt) const {
    if (!attempt.bridge) return {TrialEnd::NotOffered, ""};
    const fs::path path = doors_.root.below("sys/bus/pci/devices") / attempt.bridge->str();
    std::error_code error;
    for (const Bdf& bdf : below(fs::canonical(path, error))) {
        if (std::ranges::find(attempt.functions, bdf) == attempt.functions.end()) {
            return {TrialEnd::Failed, fmt::format("it would reset {} as well", bdf.str())};
        }
    }
    const int folder = open_folder(path);
    if (folder < 0) return {TrialEnd::NotOffered, ""};
    const int errnum = doors_.kernel.write(folder, "reset_subordinate", "1");
    ::close(folder);
    if (errnum == 0) return {};
    // It takes CAP_SYS_ADMIN, which the worker's unit leaves out.
    const bool offered = errnum != ENOENT && errnum != EPERM;
    return {offered ? TrialEnd::Failed : TrialEnd::NotOffered, reason(errnum)};
}

/// What comes back is another function to the kernel, with the driver that the kernel chooses
/// (drivers/pci/bus.c:pci_bus_add_device binds at once).
CardReset::Outcome CardReset::by_removal(const ResetAttempt& attempt,
                                         const std::function<Outcome()>& meanwhile) const {
    Outcome outcome;
    for (const Bdf& bdf : attempt.functions | std::views::reverse) {
        const int error = doors_.kernel.write(doors_.folders.at(bdf), "remove", "1");
        // Gone already is what was wanted.
        if (error == 0 || error == ENODEV || error == ENOENT) continue;
        outcome = {TrialEnd::Failed, fmt::format("{}: {}", bdf.str(), reason(error))};
    }
    if (outcome.end == TrialEnd::Well) outcome = meanwhile();
    // Whatever was removed is looked for again.
    const fs::path above = attempt.bridge
                               ? doors_.root.below("sys/bus/pci/devices") / attempt.bridge->str()
                               : doors_.root.below("sys/bus/pci");
    const int bus = open_folder(above);
    const int error = bus < 0 ? errno : doors_.kernel.write(bus, "rescan", "1");
    if (bus >= 0) ::close(bus);
    if (error != 0) return {TrialEnd::Failed, reason(error)};
    for (const Bdf& bdf : attempt.functions) {
        const int folder = open_folder(doors_.root.below("sys/bus/pci/devices") / bdf.str());
        if (folder < 0) {
            outcome = {TrialEnd::NotWell, fmt::format("{} was not found again", bdf.str())};
            continue;
        }
        int& known = doors_.folders.at(bdf);
        if (is_same(folder, known)) {
            // It could not be removed; two descriptors of one folder would wait for each other.
            ::close(folder);
            continue;
        }
        std::ignore = ::flock(folder, LOCK_EX);
        ::close(std::exchange(known, folder));
    }
    return outcome;
}

CardReset::Outcome CardReset::by_sleep() const {
    const auto slept = doors_.kernel.sleep(doors_.root);
    if (slept) return {};
    return {TrialEnd::Failed, slept.error().message};
}

}  // namespace passthru
