// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/libvirt/domain_watch.hpp"

#include "daemon/libvirt/watch_thread.hpp"

#include <csignal>
#include <pthread.h>

namespace passthru {
namespace {

constexpr auto longest_goodbye = std::chrono::seconds(2);

/// Signals are the loop's: the thread is born with all of them blocked.
class AllSignalsBlocked {
public:
    AllSignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    AllSignalsBlocked(const AllSignalsBlocked&) = delete;
    AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

private:
    sigset_t before_{};
};

}  // namespace

Reconnect reconnect_rule(const std::string& uri) {
    return uri == "qemu:///system" ? Reconnect::WhileDaemonRuns : Reconnect::Always;
}

DomainWatch::DomainWatch(EventLoop& loop, const std::string& uri, const Root& root,
                         std::function<void(LibvirtEvent)> deliver)
    : DomainWatch(loop, uri, root, reconnect_rule(uri), std::move(deliver)) {}

DomainWatch::DomainWatch(EventLoop& loop, const std::string& uri, const Root& root, Reconnect rule,
                         std::function<void(LibvirtEvent)> deliver)
    : channel_(std::make_shared<WatchChannel>(loop, std::move(deliver))) {
    std::promise<void> end;
    ended_ = end.get_future();
    const AllSignalsBlocked blocked;
    thread_ = std::thread([channel = channel_, uri, root, rule, end = std::move(end)]() mutable {
        pthread_setname_np(pthread_self(), "libvirt");
        WatchThread(*channel, uri, root, rule).run();
        end.set_value();
    });
}

DomainWatch::~DomainWatch() {
    channel_->deliver = nullptr;
    channel_->stop = true;
    channel_->wake_thread();
    if (ended_.wait_for(longest_goodbye) == std::future_status::ready) {
        thread_.join();
        return;
    }
    // The channel belongs to the loop and must not be destroyed by the other thread, whenever that
    // one comes back: it is kept for the rest of the process's life, which is about to end.
    static auto* const left_behind = new std::vector<std::shared_ptr<WatchChannel>>;
    left_behind->push_back(channel_);
    thread_.detach();
}

void DomainWatch::list_active() {
    channel_->list_wanted = true;
    channel_->wake_thread();
}

}  // namespace passthru
