// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/serve.hpp"

#include "libpassthru/plan/findings_json.hpp"
#include "worker/rom.hpp"
#include "worker/wait_place.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace passthru {
namespace {

void send_text(int socket, const std::string& text) {
    std::ignore = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
}

/// With the descriptor beside it, which is closed.
void send_with_descriptor(int socket, std::string text, int descriptor) {
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) char beside[CMSG_SPACE(sizeof descriptor)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = beside;
    message.msg_controllen = sizeof beside;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    std::ignore = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    ::close(descriptor);
}

void serve_rom(int socket, const Root& root, const Bdf& bdf, const KernelDoors& kernel) {
    const auto rom = read_rom(root, bdf, kernel);
    if (!rom) return send_text(socket, report_to_text(PlanFailed{0, rom.error()}));
    send_with_descriptor(socket, report_to_text(PlanDone{}), *rom);
}

}  // namespace

int serve_one_plan(int socket, const Root& root, const KernelDoors& kernel) {
    std::vector<char> buffer(max_message);
    ssize_t got = 0;
    do {
        got = ::recv(socket, buffer.data(), buffer.size(), MSG_TRUNC);
    } while (got < 0 && errno == EINTR);
    if (got == 0) return 0;
    if (got < 0 || static_cast<std::size_t>(got) > buffer.size()) {
        const std::string why = got < 0 ? std::generic_category().message(errno) : "it is too long";
        std::fprintf(stderr, "passthru-worker: no plan could be received: %s\n", why.c_str());
        return 1;
    }
    const std::string_view message(buffer.data(), static_cast<std::size_t>(got));
    if (const auto inspection = inspection_from_text(message)) {
        if (!*inspection) return 1;
        const Inventory inventory = read_inventory(root, Overrides::LeaveAlone);
        send_text(socket, findings_to_text(inspect(root, inventory, (*inspection)->functions)));
        return 0;
    }
    if (const auto functions = override_request_from_text(message)) {
        if (!*functions) return 1;
        send_text(socket, overrides_to_text(read_overrides(root, **functions)));
        return 0;
    }
    if (const auto pid = wait_request_from_text(message)) {
        send_text(socket, wait_place_to_text(wait_place(root, *pid)));
        return 0;
    }
    if (const auto function = rom_request_from_text(message)) {
        if (!*function) return 1;
        serve_rom(socket, root, **function, kernel);
        return 0;
    }
    const auto plan = plan_from_text(message);
    if (!plan) {
        send_text(socket, report_to_text(PlanFailed{0, plan.error()}));
        std::fprintf(stderr, "passthru-worker: %s\n", plan.error().message.c_str());
        return 1;
    }
    send_text(socket, report_to_text(Started{own_process()}));
    Executor executor(root, kernel);
    executor.run(
        *plan, [&](const WorkerReport& report) { send_text(socket, report_to_text(report)); },
        Interrupt{[&] {
                      // Anything that comes after the plan is the wish to stop; a daemon that hung
                      // up wishes nothing.
                      char byte = 0;
                      return ::recv(socket, &byte, sizeof byte, MSG_DONTWAIT) > 0;
                  },
                  socket});
    return 0;
}

}  // namespace passthru
