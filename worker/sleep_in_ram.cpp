// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/sleep_in_ram.hpp"

#include "worker/function_folder.hpp"
#include "worker/kernel_doors.hpp"

#include <chrono>
#include <cstdint>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <systemd/sd-bus.h>
#include <unistd.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* login = "org.freedesktop.login1";
constexpr const char* login_path = "/org/freedesktop/login1";
constexpr const char* login_manager = "org.freedesktop.login1.Manager";

/// From the request on: programs that want to know of it before may hold it off for 5 s
/// (InhibitDelayMaxSec= in logind.conf(5)), and drivers take their time. An alarm that rings before
/// the computer sleeps would leave it asleep.
constexpr const char* alarm = "+30\n";
/// Being awake again comes as a signal; time asleep does not count.
constexpr auto patience = 90s;

struct Unref {
    void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
    void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, Unref>;

class BusError {
public:
    BusError() = default;
    BusError(const BusError&) = delete;
    BusError& operator=(const BusError&) = delete;
    ~BusError() { sd_bus_error_free(&error_); }
    [[nodiscard]] sd_bus_error* get() { return &error_; }
    [[nodiscard]] Error as_error(int result) const {
        return {Errc::Failed,
                fmt::format("logind cannot be asked to let the computer sleep: {}",
                            error_.message != nullptr ? error_.message : reason(-result)),
                -result};
    }

private:
    sd_bus_error error_{nullptr, nullptr, 0};
};

/// How often this computer has slept since it was booted (kernel/power/main.c).
std::optional<std::string> times_slept(const Root& root) {
    return read_attribute(root.below("sys/power/suspend_stats/success"));
}

int set_alarm(const fs::path& clock, const char* when) {
    const int folder = ::open(clock.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return errno;
    const int error = write_attribute(folder, "wakealarm", when);
    ::close(folder);
    return error;
}

/// root is asked no question by logind, and would sleep in spite of those who hold it off.
Result<void> check_nobody_minds(sd_bus* bus) {
    BusError error;
    sd_bus_message* raw = nullptr;
    const int result = sd_bus_call_method(bus, login, login_path, login_manager, "ListInhibitors",
                                          error.get(), &raw, "");
    const Message answer(raw);
    if (result < 0) return std::unexpected(error.as_error(result));
    sd_bus_message_enter_container(raw, SD_BUS_TYPE_ARRAY, "(ssssuu)");
    const char* what = nullptr;
    const char* who = nullptr;
    const char* why = nullptr;
    const char* mode = nullptr;
    std::uint32_t uid = 0;
    std::uint32_t pid = 0;
    while (sd_bus_message_read(raw, "(ssssuu)", &what, &who, &why, &mode, &uid, &pid) > 0) {
        if (std::string_view(mode) != "block") continue;
        if (!std::string_view(what).contains("sleep")) continue;
        return fail(Errc::Busy, fmt::format("{:.60} (process {}) keeps the computer awake: {:.120}",
                                            who, pid, why));
    }
    return {};
}

int note_awake(sd_bus_message* message, void* awake, sd_bus_error* /*error*/) {
    int begins = 1;
    if (sd_bus_message_read(message, "b", &begins) > 0 && begins == 0) {
        *static_cast<bool*>(awake) = true;
    }
    return 0;
}

Result<void> sleep_once(sd_bus* bus) {
    bool awake = false;
    BusError error;
    int result = sd_bus_match_signal(bus, nullptr, login, login_path, login_manager,
                                     "PrepareForSleep", note_awake, &awake);
    if (result >= 0) {
        result = sd_bus_call_method(bus, login, login_path, login_manager, "Suspend", error.get(),
                                    nullptr, "b", 0);
    }
    if (result < 0) return std::unexpected(error.as_error(result));
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!awake) {
        const auto left = end - std::chrono::steady_clock::now();
        if (left <= 0s) return fail(Errc::TimedOut, "logind did not say that it is awake again");
        result = sd_bus_process(bus, nullptr);
        if (result == 0) {
            const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(left).count();
            result = sd_bus_wait(bus, static_cast<std::uint64_t>(usec));
        }
        if (result < 0) return std::unexpected(error.as_error(result));
    }
    return {};
}

}  // namespace

Result<fs::path> alarm_clock_for_sleep(const Root& root) {
    // Documentation/admin-guide/pm/sleep-states.rst: the one in brackets is what `mem` means.
    const auto modes = read_attribute(root.below("sys/power/mem_sleep"));
    if (!modes || !modes->contains("[deep]")) {
        return fail(Errc::ResetUnsupported,
                    "this computer does not sleep in RAM (S3): its cards keep their power");
    }
    std::error_code ignored;
    for (const auto& clock : fs::directory_iterator(root.below("sys/class/rtc"), ignored)) {
        const auto set = read_attribute(clock.path() / "wakealarm");
        if (!set) continue;
        if (!set->empty()) {
            return fail(Errc::Busy, "the clock's wake alarm is set for something else");
        }
        return clock.path();
    }
    return fail(Errc::ResetUnsupported, "no clock of this computer can wake it");
}

Result<void> sleep_in_ram(const Root& root) {
    const auto clock = alarm_clock_for_sleep(root);
    if (!clock) return std::unexpected(clock.error());
    sd_bus* raw = nullptr;
    if (const int result = sd_bus_open_system(&raw); result < 0) {
        return std::unexpected(BusError().as_error(result));
    }
    const std::unique_ptr<sd_bus, Unref> bus(raw);
    if (auto minded = check_nobody_minds(raw); !minded) return minded;

    if (const int error = set_alarm(*clock, alarm); error != 0) {
        return fail(Errc::Failed, fmt::format("the wake alarm could not be set: {}", reason(error)),
                    error);
    }
    const auto before = times_slept(root);
    auto slept = sleep_once(raw);
    // It has rung, or must not ring for anybody else.
    set_alarm(*clock, "0\n");
    if (slept && before && times_slept(root) == before) {
        return fail(Errc::Failed, "the computer did not sleep: its journal says why");
    }
    return slept;
}

}  // namespace passthru
