// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/libvirt/watch_thread.hpp"

#include "daemon/libvirt/running_daemon.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <libvirt/virterror.h>
#include <sys/inotify.h>

namespace passthru {
namespace {

constexpr int first_delay_ms = 200;
constexpr int longest_delay_ms = 5000;

/// A daemon that is being stopped hangs up first and exits later, and systemd goes on to listen on
/// its socket: who connects in between starts it again. libvirtd gives its own work 30 s to end.
constexpr auto longest_shutdown = std::chrono::seconds(35);

/// A daemon whose main loop is dead is noticed after 30 s. The local socket tells all else.
constexpr int keepalive_interval_s = 10;
constexpr unsigned keepalive_count = 3;

/// libvirt's event loop belongs to the process, and is registered once and for ever.
void start_libvirt() {
    [[maybe_unused]] static const bool once = [] {
        virInitialize();
        virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
        virEventRegisterDefaultImpl();
        return true;
    }();
}

/// libvirt frees what was removed in later turns of its loop.
void run_what_is_left() {
    const int timer = virEventAddTimeout(0, [](int, void*) {}, nullptr, nullptr);
    if (timer < 0) return;
    for (int turn = 0; turn < 5; ++turn) virEventRunDefaultImpl();
    virEventRemoveTimeout(timer);
}

}  // namespace

WatchChannel::WatchChannel(EventLoop& loop, std::function<void(LibvirtEvent)> to)
    : deliver(std::move(to)),
      wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      events(loop, [this](LibvirtEvent event) {
          if (deliver) deliver(std::move(event));
      }) {
    if (!wake) throw std::runtime_error("eventfd failed");
}

void WatchChannel::wake_thread() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake.get(), &one, sizeof one);
}

WatchThread::WatchThread(WatchChannel& channel, std::string uri, Root root, Reconnect rule)
    : channel_(channel), uri_(std::move(uri)), root_(std::move(root)), rule_(rule) {
    start_libvirt();
    wake_handle_ =
        virEventAddHandle(channel_.wake.get(), VIR_EVENT_HANDLE_READABLE, on_wake, this, nullptr);
    timer_ = virEventAddTimeout(-1, on_timer, this, nullptr);
    if (rule_ == Reconnect::WhileDaemonRuns) watch_pid_files();
}

WatchThread::~WatchThread() {
    close_connection();
    if (inotify_handle_ >= 0) virEventRemoveHandle(inotify_handle_);
    if (timer_ >= 0) virEventRemoveTimeout(timer_);
    if (wake_handle_ >= 0) virEventRemoveHandle(wake_handle_);
    run_what_is_left();
}

void WatchThread::run() {
    settle();
    while (!channel_.stop) {
        virEventRunDefaultImpl();
        settle();
    }
}

void WatchThread::settle() {
    if (channel_.stop) return;
    if (lost_) {
        left_at_ = std::chrono::steady_clock::now();
        close_connection();
        channel_.events.post(LibvirtGone{});
        try_later();
    }
    if (connection_ == nullptr && attempt_due_) connect();
    if (connection_ != nullptr && channel_.list_wanted.exchange(false)) list();
}

void WatchThread::connect() {
    attempt_due_ = false;
    if (!may_connect()) return;
    connection_ = virConnectOpenReadOnly(uri_.c_str());
    if (connection_ == nullptr || !subscribe()) {
        close_connection();
        try_later();
        return;
    }
    next_delay_ms_ = 0;
    served_by_ = running_libvirt_daemon(root_);
    virEventUpdateTimeout(timer_, -1);
    channel_.events.post(LibvirtConnected{});
}

bool WatchThread::may_connect() {
    if (rule_ == Reconnect::Always) return true;
    const std::optional<pid_t> running = running_libvirt_daemon(root_);
    if (!running) {
        // The pid file tells when one comes; where that cannot be watched, time does.
        next_delay_ms_ = 0;
        if (!inotify_) try_later();
        return false;
    }
    if (running == served_by_ && std::chrono::steady_clock::now() - left_at_ < longest_shutdown) {
        try_later();
        return false;
    }
    return true;
}

bool WatchThread::subscribe() {
    // libvirt knows the callback's real type by the event's id.
    const auto any = reinterpret_cast<void (*)()>(on_lifecycle);
    const auto generic = reinterpret_cast<virConnectDomainEventGenericCallback>(any);
    lifecycle_ = virConnectDomainEventRegisterAny(
        connection_, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE, generic, this, nullptr);
    if (lifecycle_ < 0) return false;
    if (virConnectRegisterCloseCallback(connection_, on_close, this, nullptr) < 0) return false;
    // Not every driver can: the test driver has nobody to ask.
    virConnectSetKeepAlive(connection_, keepalive_interval_s, keepalive_count);
    return true;
}

void WatchThread::close_connection() {
    lost_ = false;
    if (connection_ == nullptr) return;
    virConnectUnregisterCloseCallback(connection_, on_close);
    if (lifecycle_ >= 0) virConnectDomainEventDeregisterAny(connection_, lifecycle_);
    lifecycle_ = -1;
    virConnectClose(connection_);
    connection_ = nullptr;
}

void WatchThread::list() {
    ActiveDomains active;
    active.asked_at = std::chrono::steady_clock::now();
    virDomainPtr* domains = nullptr;
    const int count =
        virConnectListAllDomains(connection_, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (count < 0) {
        channel_.list_wanted = true;
        try_later();
        return;
    }
    for (int index = 0; index < count; ++index) {
        char uuid[VIR_UUID_STRING_BUFLEN] = {};
        const char* const name = virDomainGetName(domains[index]);
        if (name != nullptr && virDomainGetUUIDString(domains[index], uuid) == 0) {
            active.domains.emplace_back(uuid, name);
        }
        virDomainFree(domains[index]);
    }
    std::free(domains);
    channel_.events.post(std::move(active));
}

void WatchThread::try_later() {
    next_delay_ms_ = std::clamp(next_delay_ms_ * 2, first_delay_ms, longest_delay_ms);
    virEventUpdateTimeout(timer_, next_delay_ms_);
}

void WatchThread::watch_pid_files() {
    inotify_ = UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify_) return;
    // The daemon creates the file, locks it and then writes: with the writing it is locked for
    // sure.
    const std::uint32_t mask = IN_CREATE | IN_MOVED_TO | IN_MODIFY | IN_DELETE | IN_ONLYDIR;
    if (::inotify_add_watch(inotify_.get(), root_.below(pid_file_folder).c_str(), mask) < 0) {
        inotify_ = UniqueFd();
        return;
    }
    inotify_handle_ =
        virEventAddHandle(inotify_.get(), VIR_EVENT_HANDLE_READABLE, on_pid_files, this, nullptr);
}

void WatchThread::pid_files_changed() {
    alignas(inotify_event) char buffer[4096];
    for (;;) {
        const ssize_t got = ::read(inotify_.get(), buffer, sizeof buffer);
        if (got <= 0) return;
        for (ssize_t at = 0; at < got;) {
            const auto* const event = reinterpret_cast<const inotify_event*>(buffer + at);
            at += static_cast<ssize_t>(sizeof *event + event->len);
            const std::string_view name = event->len > 0 ? event->name : "";
            const bool ours = std::ranges::find(pid_file_names, name) != std::end(pid_file_names);
            if (ours || (event->mask & IN_Q_OVERFLOW) != 0) attempt_due_ = true;
        }
    }
}

int WatchThread::on_lifecycle(virConnectPtr, virDomainPtr domain, int, int, void* self) noexcept {
    auto& it = *static_cast<WatchThread*>(self);
    try {
        char uuid[VIR_UUID_STRING_BUFLEN] = {};
        if (virDomainGetUUIDString(domain, uuid) == 0) it.channel_.events.post(DomainEvent{uuid});
    } catch (...) {
        it.lost_ =
            true;  // what could not be told is found by whoever sees the connection come back
    }
    return 0;
}

void WatchThread::on_close(virConnectPtr, int, void* self) noexcept {
    static_cast<WatchThread*>(self)->lost_ = true;
}

void WatchThread::on_wake(int, int fd, int, void*) noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(fd, &count, sizeof count);
}

void WatchThread::on_pid_files(int, int, int, void* self) noexcept {
    static_cast<WatchThread*>(self)->pid_files_changed();
}

void WatchThread::on_timer(int timer, void* self) noexcept {
    virEventUpdateTimeout(timer, -1);
    static_cast<WatchThread*>(self)->attempt_due_ = true;
}

}  // namespace passthru
