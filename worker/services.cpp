// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/services.hpp"

#include "libpassthru/plan/step.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <system_error>
#include <systemd/sd-bus.h>
#include <thread>

namespace passthru {
namespace {

constexpr const char* systemd_name = "org.freedesktop.systemd1";
constexpr const char* systemd_object = "/org/freedesktop/systemd1";
constexpr const char* manager = "org.freedesktop.systemd1.Manager";
constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";

/// A call's answer, or systemd's own sentence for why not.
class Call {
public:
    ~Call() {
        sd_bus_error_free(&error);
        sd_bus_message_unref(reply);
    }
    Call() = default;
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    [[nodiscard]] std::string reason(int result) const {
        return error.message != nullptr ? error.message : std::generic_category().message(-result);
    }

    sd_bus_error error{};
    sd_bus_message* reply = nullptr;
};

class Systemd {
public:
    Systemd() { opened_ = sd_bus_open_system(&bus_); }
    ~Systemd() { sd_bus_flush_close_unref(bus_); }
    Systemd(const Systemd&) = delete;
    Systemd& operator=(const Systemd&) = delete;

    /// StopUnit or StartUnit; false where no such unit is there.
    [[nodiscard]] Result<bool> queue(const char* method, const std::string& service) const {
        Call call;
        int done = opened_;
        if (done >= 0) {
            done = sd_bus_call_method(bus_, systemd_name, systemd_object, manager, method,
                                      &call.error, &call.reply, "ss", service.c_str(), "replace");
        }
        if (done >= 0) return true;
        if (sd_bus_error_has_name(&call.error, "org.freedesktop.systemd1.NoSuchUnit") != 0) {
            return false;
        }
        return fail(Errc::Failed,
                    fmt::format("systemd refused {} of {}: {}", method, service, call.reason(done)),
                    -done);
    }

    /// `active`, `deactivating`, `inactive` … (systemd.unit(5)); empty where it cannot be had.
    [[nodiscard]] std::string state_of(const std::string& service) const {
        Call found;
        const char* path = nullptr;
        if (sd_bus_call_method(bus_, systemd_name, systemd_object, manager, "LoadUnit",
                               &found.error, &found.reply, "s", service.c_str()) < 0 ||
            sd_bus_message_read(found.reply, "o", &path) < 0) {
            return "";
        }
        Call asked;
        char* state = nullptr;
        sd_bus_get_property_string(bus_, systemd_name, path, unit_interface, "ActiveState",
                                   &asked.error, &state);
        const std::unique_ptr<char, void (*)(void*)> owned(state, std::free);
        return state == nullptr ? "" : state;
    }

private:
    sd_bus* bus_ = nullptr;
    int opened_ = 0;
};

}  // namespace

Result<void> stop_service(const std::string& service, const std::function<bool()>& cancelled) {
    using Clock = std::chrono::steady_clock;
    const Systemd systemd;
    const auto queued = systemd.queue("StopUnit", service);
    if (!queued) return std::unexpected(queued.error());
    if (!*queued) return {};
    const auto end = Clock::now() + time_to_stop_a_service;
    while (true) {
        const std::string state = systemd.state_of(service);
        if (state == "inactive" || state == "failed") return {};
        if (cancelled()) return fail(Errc::Cancelled, "the move was cancelled");
        if (Clock::now() >= end) {
            return fail(Errc::TimedOut,
                        fmt::format("{} did not end within {} s of being stopped: see what it "
                                    "does with “systemctl status {}”",
                                    service, time_to_stop_a_service.count(), service));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

Result<void> start_service(const std::string& service) {
    const auto queued = Systemd().queue("StartUnit", service);
    if (!queued) return std::unexpected(queued.error());
    if (!*queued) return fail(Errc::Failed, fmt::format("there is no {} any more", service));
    return {};
}

}  // namespace passthru
