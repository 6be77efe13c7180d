// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/sleep_lock.hpp"

#include <spdlog/spdlog.h>

namespace passthru {
namespace {

constexpr const char* manager = "org.freedesktop.login1.Manager";

}  // namespace

SleepLock::SleepLock(BusConnection& bus, std::function<void()> woke_up)
    : login_(bus.proxy(
          "org.freedesktop.login1", "/org/freedesktop/login1",
          [woke_up = std::move(woke_up)](sdbus::IProxy& proxy) {
              proxy.uponSignal("PrepareForSleep").onInterface(manager).call([woke_up](bool begins) {
                  if (!begins) woke_up();
              });
          })) {}

void SleepLock::hold(bool wanted) {
    if (wanted == wanted_) return;
    wanted_ = wanted;
    locks_.clear();
    if (!wanted) return;
    ++turn_;
    // Of a lock on both at once logind asks polkit for another right (login/logind-dbus.c,
    // method_inhibit).
    for (const char* what : {"sleep", "shutdown"}) ask(what);
}

void SleepLock::ask(const std::string& what) {
    // logind lets a delay lock hold for 5 s only (InhibitDelayMaxSec=), less than a driver may
    // take.
    login_->callMethodAsync("Inhibit")
        .onInterface(manager)
        .withArguments(what, std::string("passthrud"),
                       std::string("a GPU is on its way to a VM or back"), std::string("block"))
        .uponReplyInvoke([this, turn = turn_](AsyncError error, const sdbus::UnixFd& lock) {
            if (error) {
                spdlog::debug("sleep and shutdown are not held off: {}", error->getMessage());
            } else if (wanted_ && turn == turn_) {
                locks_.push_back(lock);
            }
        });
}

}  // namespace passthru
