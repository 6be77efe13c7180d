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
    if (!wanted) {
        lock_.reset();
    } else if (!asking_) {
        ask();
    }
}

void SleepLock::ask() {
    asking_ = true;
    // logind lets a delay lock hold for 5 s only (InhibitDelayMaxSec=), less than a driver may
    // take.
    login_->callMethodAsync("Inhibit")
        .onInterface(manager)
        .withArguments(std::string("sleep:shutdown"), std::string("passthrud"),
                       std::string("a GPU is on its way to a VM or back"), std::string("block"))
        .uponReplyInvoke([this](AsyncError error, const sdbus::UnixFd& lock) {
            asking_ = false;
            if (error) {
                spdlog::debug("sleep and shutdown are not held off: {}", error->getMessage());
            } else if (wanted_) {
                lock_ = lock;
            }
        });
}

}  // namespace passthru
