// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/loop/event_loop.hpp"
#include "daemon/loop/unique_fd.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <vector>

namespace passthru {

/// Carries values from another thread into the loop, in order. The only lock in the daemon.
template <typename T>
class Mailbox {
public:
    Mailbox(EventLoop& loop, std::function<void(T)> deliver)
        : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), deliver_(std::move(deliver)) {
        if (!wake_) throw std::runtime_error("eventfd failed");
        source_ = loop.watch(wake_.get(), EPOLLIN, [this](std::uint32_t) { drain(); });
    }

    /// May be called from any thread; never blocks for long.
    void post(T value) {
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back(std::move(value));
        }
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
    }

private:
    void drain() {
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof count);
        std::vector<T> values;
        {
            const std::lock_guard lock(mutex_);
            values.swap(waiting_);
        }
        for (T& value : values) deliver_(std::move(value));
    }

    UniqueFd wake_;
    std::function<void(T)> deliver_;
    EventSource source_;
    std::mutex mutex_;
    std::vector<T> waiting_;
};

}  // namespace passthru
