// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bus/fake_polkit.hpp"

#include "tests/bus/connection.hpp"

#include <tuple>
#include <unistd.h>

namespace passthru::bus_test {
FakePolkit::FakePolkit(const std::string& address, Verdict verdict)
    : verdict_(verdict), bus_(connect_to(address)) {
    require(
        sd_bus_add_object(bus_, nullptr, "/org/freedesktop/PolicyKit1/Authority", on_message, this),
        "object");
    require(sd_bus_request_name(bus_, "org.freedesktop.PolicyKit1", 0), "sd_bus_request_name");
    thread_ = std::thread([this] {
        while (!stop_ && sd_bus_is_open(bus_) > 0) {
            if (sd_bus_process(bus_, nullptr) == 0) sd_bus_wait(bus_, 10'000);
        }
    });
}

FakePolkit::~FakePolkit() {
    std::ignore = finish();
    sd_bus_close_unref(bus_);
}

const std::vector<Asked>& FakePolkit::finish() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return asked_;
}

int FakePolkit::on_message(sd_bus_message* message, void* self, sd_bus_error*) {
    if (sd_bus_message_is_method_call(message, "org.freedesktop.PolicyKit1.Authority",
                                      "CheckAuthorization") <= 0) {
        return 0;
    }
    return static_cast<FakePolkit*>(self)->answer(message);
}

bool FakePolkit::is_there(const std::string& name) {
    sd_bus_message* reply = nullptr;
    require(sd_bus_call_method(bus_, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                               "org.freedesktop.DBus", "NameHasOwner", nullptr, &reply, "s",
                               name.c_str()),
            "NameHasOwner");
    int there = 0;
    require(sd_bus_message_read(reply, "b", &there), "its answer");
    sd_bus_message_unref(reply);
    return there != 0;
}

int FakePolkit::answer(sd_bus_message* message) {
    Asked asked;
    const char* text = nullptr;
    const char* other = nullptr;
    require(sd_bus_message_enter_container(message, 'r', "sa{sv}"), "subject");
    require(sd_bus_message_read(message, "s", &text), "kind");
    asked.subject_kind = text;
    require(sd_bus_message_read(message, "a{sv}", 1, &other, "s", &text),
            "the one detail of the subject");
    asked.subject = text;
    require(sd_bus_message_exit_container(message), "subject");
    require(sd_bus_message_read(message, "s", &text), "action");
    asked.action = text;
    require(sd_bus_message_enter_container(message, 'a', "{ss}"), "details");
    while (sd_bus_message_read(message, "{ss}", &text, &other) > 0) asked.details[text] = other;
    require(sd_bus_message_exit_container(message), "details");
    std::uint32_t flags = 0;
    require(sd_bus_message_read(message, "us", &flags, &text), "flags");
    asked.interactive = (flags & 1) != 0;
    asked_.push_back(asked);
    ++count_;
    switch (verdict_) {
        case Verdict::YesOnceHeHasLeft:
            while (is_there(asked.subject)) ::usleep(1000);
            [[fallthrough]];
        case Verdict::Yes: return sd_bus_reply_method_return(message, "(bba{ss})", 1, 0, 0);
        case Verdict::No: return sd_bus_reply_method_return(message, "(bba{ss})", 0, 0, 0);
        case Verdict::Challenge: return sd_bus_reply_method_return(message, "(bba{ss})", 0, 1, 0);
        case Verdict::Dismissed:
            return sd_bus_reply_method_return(message, "(bba{ss})", 0, 1, 1, "polkit.dismissed",
                                              "true");
        case Verdict::Never: return 1;
    }
    return 1;
}

}  // namespace passthru::bus_test
