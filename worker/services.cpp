// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/services.hpp"

#include "libpassthru/plan/step.hpp"

#include <array>
#include <chrono>
#include <fmt/format.h>
#include <map>
#include <poll.h>
#include <system_error>
#include <systemd/sd-bus.h>

namespace passthru {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* systemd_name = "org.freedesktop.systemd1";
constexpr const char* systemd_object = "/org/freedesktop/systemd1";
constexpr const char* manager = "org.freedesktop.systemd1.Manager";

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
    Systemd() {
        opened_ = sd_bus_open_system(&bus_);
        if (opened_ < 0) return;
        // Before a job is queued, whose end could be missed otherwise.
        opened_ = sd_bus_match_signal(bus_, nullptr, systemd_name, systemd_object, manager,
                                      "JobRemoved", job_removed, &ended_);
    }
    ~Systemd() { sd_bus_flush_close_unref(bus_); }
    Systemd(const Systemd&) = delete;
    Systemd& operator=(const Systemd&) = delete;

    /// The job of StopUnit or StartUnit; none where no such unit is there.
    [[nodiscard]] Result<std::string> queue(const char* method, const std::string& service) const {
        Call call;
        int done = opened_;
        if (done >= 0) {
            done = sd_bus_call_method(bus_, systemd_name, systemd_object, manager, method,
                                      &call.error, &call.reply, "ss", service.c_str(), "replace");
        }
        const char* job = "";
        if (done >= 0) done = sd_bus_message_read(call.reply, "o", &job);
        if (done >= 0) return job;
        if (sd_bus_error_has_name(&call.error, "org.freedesktop.systemd1.NoSuchUnit") != 0) {
            return "";
        }
        return fail(Errc::Failed,
                    fmt::format("systemd refused {} of {}: {}", method, service, call.reason(done)),
                    -done);
    }

    /// Sleeps until a job has ended, and returns how: `done`, `canceled` … (JobRemoved in
    /// org.freedesktop.systemd1(5)).
    [[nodiscard]] Result<std::string> wait_for(const std::string& job, Clock::time_point deadline,
                                               int interrupt) {
        while (true) {
            int processed = 1;
            while (processed > 0) processed = sd_bus_process(bus_, nullptr);
            if (const auto ended = ended_.find(job); ended != ended_.end()) return ended->second;
            if (processed < 0) {
                return fail(Errc::Failed, "the system bus hung up: " + Call().reason(processed));
            }
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
            if (left.count() <= 0) return fail(Errc::TimedOut, "");
            std::array doors{
                pollfd{sd_bus_get_fd(bus_), static_cast<short>(sd_bus_get_events(bus_)), 0},
                pollfd{interrupt, POLLIN, 0}};
            ::poll(doors.data(), doors.size(), static_cast<int>(left.count()));
            if (doors[1].revents != 0) return fail(Errc::Cancelled, "the move was cancelled");
        }
    }

private:
    static int job_removed(sd_bus_message* message, void* ended, sd_bus_error* /*error*/) {
        const char *job = "", *result = "";
        if (sd_bus_message_read(message, "uoss", nullptr, &job, nullptr, &result) >= 0) {
            static_cast<std::map<std::string, std::string>*>(ended)->emplace(job, result);
        }
        return 0;
    }

    sd_bus* bus_ = nullptr;
    int opened_ = 0;
    /// How jobs ended.
    std::map<std::string, std::string> ended_;
};

}  // namespace

Result<void> stop_service(const std::string& service, int interrupt) {
    Systemd systemd;
    const auto job = systemd.queue("StopUnit", service);
    if (!job) return std::unexpected(job.error());
    if (job->empty()) return {};
    const auto ended = systemd.wait_for(*job, Clock::now() + time_to_stop_a_service, interrupt);
    if (!ended && ended.error().code == Errc::TimedOut) {
        return fail(
            Errc::TimedOut,
            fmt::format("{} did not end within {} s of being stopped: see what it does with "
                        "“systemctl status {}”",
                        service, time_to_stop_a_service.count(), service));
    }
    if (!ended) return std::unexpected(ended.error());
    if (*ended == "done") return {};
    return fail(Errc::Failed, fmt::format("systemd did not stop {}: the job was {}, as it is when "
                                          "something starts the service meanwhile",
                                          service, *ended));
}

Result<void> start_service(const std::string& service) {
    const auto job = Systemd().queue("StartUnit", service);
    if (!job) return std::unexpected(job.error());
    if (job->empty()) return fail(Errc::Failed, fmt::format("there is no {} any more", service));
    return {};
}

}  // namespace passthru
