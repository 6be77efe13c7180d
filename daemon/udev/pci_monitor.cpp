// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/udev/pci_monitor.hpp"

#include "daemon/udev/unref.hpp"

#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <tuple>

namespace passthru {
namespace {

/// A rescan of a large machine makes some hundred messages of about 1 KiB at once.
constexpr int receive_buffer = 8 * 1024 * 1024;

/// No turn of the loop reads more than this, whatever storm of events there is; the rest comes in
/// the next turn.
constexpr int max_messages_per_turn = 1024;

using Device = std::unique_ptr<udev_device, Unref>;

std::unexpected<Error> no_events(int error) {
    return fail(Errc::Failed,
                std::string("changes of PCI devices cannot be watched: ") + std::strerror(error),
                error);
}

}  // namespace

struct PciMonitor::Handles {
    std::unique_ptr<udev, Unref> context;
    std::unique_ptr<udev_monitor, Unref> monitor;
};

Result<std::unique_ptr<PciMonitor>> PciMonitor::open(EventLoop& loop,
                                                     std::function<void()> changed) {
    auto handles = std::make_unique<Handles>();
    handles->context.reset(udev_new());
    if (!handles->context) return no_events(errno);
    handles->monitor.reset(udev_monitor_new_from_netlink(handles->context.get(), "udev"));
    udev_monitor* const monitor = handles->monitor.get();
    if (monitor == nullptr) return no_events(errno);
    // The filter runs in the kernel: other devices' events do not even fill the buffer.
    if (const int error = udev_monitor_filter_add_match_subsystem_devtype(monitor, "pci", nullptr);
        error < 0) {
        return no_events(-error);
    }
    // Without CAP_NET_ADMIN the kernel gives no more than net.core.rmem_max; an overflow is noticed
    // below.
    std::ignore = udev_monitor_set_receive_buffer_size(monitor, receive_buffer);
    if (const int error = udev_monitor_enable_receiving(monitor); error < 0)
        return no_events(-error);

    std::unique_ptr<PciMonitor> it(new PciMonitor(std::move(handles), std::move(changed)));
    it->source_ = loop.watch(udev_monitor_get_fd(monitor), EPOLLIN,
                             [self = it.get()](std::uint32_t) { self->drain(); });
    return it;
}

PciMonitor::PciMonitor(std::unique_ptr<Handles> handles, std::function<void()> changed)
    : handles_(std::move(handles)), changed_(std::move(changed)) {}

PciMonitor::~PciMonitor() = default;

void PciMonitor::drain() {
    bool something = false;
    for (int read = 0; read < max_messages_per_turn; ++read) {
        errno = 0;
        const Device device(udev_monitor_receive_device(handles_->monitor.get()));
        if (device) {
            something = true;
            continue;
        }
        if (errno == EINTR) continue;
        // ENOBUFS: the kernel dropped messages, and nobody knows which.
        if (errno != ENOBUFS) break;
        something = true;
    }
    if (something) changed_();
}

}  // namespace passthru
