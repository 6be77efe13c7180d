// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/hook/fake_passthrud.hpp"

#include <fcntl.h>
#include <stdexcept>
#include <systemd/sd-bus.h>
#include <tuple>
#include <unistd.h>

namespace passthru::hook_test {
namespace {

void require(int result, const char* what) {
    if (result < 0) throw std::runtime_error(what);
}

int on_message(sd_bus_message* message, void* self, sd_bus_error*) {
    if (sd_bus_message_is_method_call(message, "org.passthru1.LibvirtHook", "Notify") <= 0)
        return 0;
    return static_cast<FakePassthrud*>(self)->notify(message);
}

}  // namespace

FakePassthrud::FakePassthrud(const std::string& address, Behaviour behaviour)
    : behaviour_(std::move(behaviour)) {
    require(sd_bus_new(&bus_), "sd_bus_new");
    require(sd_bus_set_address(bus_, address.c_str()), "sd_bus_set_address");
    require(sd_bus_set_bus_client(bus_, 1), "sd_bus_set_bus_client");
    require(sd_bus_negotiate_fds(bus_, 1), "sd_bus_negotiate_fds");
    require(sd_bus_start(bus_), "sd_bus_start");
    require(sd_bus_add_object(bus_, nullptr, "/org/passthru1", on_message, this),
            "sd_bus_add_object");
    require(sd_bus_request_name(bus_, "org.passthru1", 0), "sd_bus_request_name");
    thread_ = std::thread([this] { serve(); });
}

FakePassthrud::~FakePassthrud() {
    std::ignore = finish();
    sd_bus_close_unref(bus_);
}

const std::vector<Notified>& FakePassthrud::finish() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return notified_;
}

void FakePassthrud::serve() {
    while (!stop_ && sd_bus_is_open(bus_) > 0) {
        if (sd_bus_process(bus_, nullptr) == 0) sd_bus_wait(bus_, 20'000);
    }
}

int FakePassthrud::notify(sd_bus_message* message) {
    const char* words[5] = {};
    int xml = -1;
    require(sd_bus_message_read(message, "sssssh", &words[0], &words[1], &words[2], &words[3],
                                &words[4], &xml),
            "arguments");
    Notified notified;
    notified.words.assign(words, words + 5);
    notified.xml.resize(1 << 16);
    const ssize_t got = ::pread(xml, notified.xml.data(), notified.xml.size(), 0);
    notified.xml.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    const int seals = ::fcntl(xml, F_GET_SEALS);
    notified.can_change = seals < 0 || (seals & F_SEAL_WRITE) == 0;
    notified_.push_back(notified);

    if (const auto* const refuses = std::get_if<Refuses>(&behaviour_)) {
        return sd_bus_reply_method_errorf(message, refuses->error_name.c_str(), "%s",
                                          refuses->message.c_str());
    }
    if (std::holds_alternative<Dies>(behaviour_)) {
        sd_bus_close(bus_);
        return 1;
    }
    return sd_bus_reply_method_return(message, "");
}

}  // namespace passthru::hook_test
