// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/leases.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <string_view>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

namespace passthru {
namespace {

constexpr std::string_view name_prefix = "lease-";

/// Without systemd, as in a test, nobody keeps it.
void store(const std::string& id, int fd) {
    const std::string state = fmt::format("FDSTORE=1\nFDNAME={}{}", name_prefix, id);
    sd_pid_notify_with_fds(0, 0, state.c_str(), &fd, 1);
}

void unstore(const std::string& id) {
    sd_notify(0, fmt::format("FDSTOREREMOVE=1\nFDNAME={}{}", name_prefix, id).c_str());
}

}  // namespace

Leases::Leases(EventLoop& loop, std::function<void(const std::string& id)> ended)
    : loop_(loop), ended_(std::move(ended)) {}

void Leases::adopt() {
    char** names = nullptr;
    const int count = sd_listen_fds_with_names(1, &names);
    for (int i = 0; i < count; ++i) {
        UniqueFd end(SD_LISTEN_FDS_START + i);
        const std::string name = names[i];
        std::free(names[i]);
        if (name.starts_with(name_prefix)) keep(name.substr(name_prefix.size()), std::move(end));
    }
    std::free(names);
}

Result<UniqueFd> Leases::begin(const std::string& id) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return fail(Errc::Failed, "no pipe for a lease can be made", errno);
    }
    store(id, ends[0]);
    keep(id, UniqueFd(ends[0]));
    return UniqueFd(ends[1]);
}

void Leases::keep(const std::string& id, UniqueFd end) {
    // What a holder writes is nobody's business: only that the last one has hung up is waited for,
    // which epoll tells unasked.
    EventSource watch = loop_.watch(end.get(), 0, [this, id](std::uint32_t /*events*/) {
        open_.erase(id);
        unstore(id);
        ended_(id);
    });
    open_.insert_or_assign(id, Lease{std::move(end), std::move(watch)});
}

std::string Leases::new_id() {
    sd_id128_t id{};
    sd_id128_randomize(&id);
    char text[SD_ID128_STRING_MAX];
    return sd_id128_to_string(id, text);
}

}  // namespace passthru
