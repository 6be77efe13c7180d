// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bus/random_call.hpp"

#include "tests/bus/connection.hpp"

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <pugixml.hpp>
#include <sys/mman.h>
#include <unistd.h>

namespace passthru::bus_test {
namespace {

constexpr std::uint64_t patience = 30'000'000;

/// How long the first complete type is: 5 of `a{sv}s`.
std::size_t first_type(std::string_view types) {
    if (types.starts_with('a')) return 1 + first_type(types.substr(1));
    if (!types.starts_with('(') && !types.starts_with('{')) return 1;
    int depth = 0;
    for (std::size_t i = 0; i < types.size(); ++i) {
        if (types[i] == '(' || types[i] == '{') ++depth;
        if (types[i] == ')' || types[i] == '}') --depth;
        if (depth == 0) return i + 1;
    }
    return types.size();
}

}  // namespace

std::vector<Signature> all_methods(const Objects& objects) {
    std::vector<Signature> methods{
        {"org.freedesktop.DBus.Properties", "Get", "ss"},
        {"org.freedesktop.DBus.Properties", "Set", "ssv"},
        {"org.freedesktop.DBus.Properties", "GetAll", "s"},
        {"org.freedesktop.DBus.ObjectManager", "GetManagedObjects", ""},
        {"org.freedesktop.DBus.Introspectable", "Introspect", ""},
        {"org.freedesktop.DBus.Peer", "Ping", ""},
        {"org.passthru1.Gpu", "Explode", "a{sv}"},
    };
    for (const auto& entry : std::filesystem::directory_iterator(PASSTHRU_DBUS_INTERFACES)) {
        pugi::xml_document document;
        if (entry.path().extension() != ".xml" || !document.load_file(entry.path().c_str()))
            continue;
        for (const pugi::xml_node interface : document.child("node").children("interface")) {
            for (const pugi::xml_node method : interface.children("method")) {
                std::string types;
                for (const pugi::xml_node argument : method.children("arg")) {
                    if (std::string_view(argument.attribute("direction").value()) == "in")
                        types += argument.attribute("type").value();
                }
                const std::string name = interface.attribute("name").value();
                methods.push_back(
                    {name, method.attribute("name").value(), types,
                     objects.contains(name) ? objects.at(name) : std::vector<std::string>{}});
            }
        }
    }
    return methods;
}

RandomCaller::RandomCaller(unsigned seed, const std::string& address,
                           std::vector<std::string> paths)
    : random_(seed), paths_(std::move(paths)), bus_(connect_to(address)) {}

RandomCaller::~RandomCaller() {
    sd_bus_close_unref(bus_);
}

std::string RandomCaller::call(const std::vector<Signature>& methods, int calls) {
    for (int i = 0; i < calls; ++i) {
        const std::string complaint = call_once(methods[pick(methods.size())]);
        if (!complaint.empty()) return fmt::format("call {}: {}", i, complaint);
    }
    return "";
}

std::string RandomCaller::call_once(const Signature& method) {
    const bool anywhere = method.objects.empty() || pick(8) == 0;
    const auto& paths = anywhere ? paths_ : method.objects;
    const std::string& path = paths[pick(paths.size())];
    sd_bus_message* message = nullptr;
    sd_bus_message_new_method_call(bus_, &message, "org.passthru1", path.c_str(),
                                   method.interface.c_str(), method.method.c_str());
    sd_bus_message_set_auto_start(message, 0);
    sd_bus_message_set_allow_interactive_authorization(message, static_cast<int>(pick(2)));
    whole_ = true;
    append_all(message, pick(8) == 0 ? types() : method.types);
    std::string complaint;
    if (!whole_) {
        // Not sent.
    } else if (pick(4) == 0) {
        sd_bus_message_set_expect_reply(message, 0);
        if (sd_bus_send(bus_, message, nullptr) < 0) complaint = "the bus is gone";
    } else {
        sd_bus_error error{};
        sd_bus_message* reply = nullptr;
        const int result = sd_bus_call(bus_, message, patience, &error, &reply);
        // Any error that passthrud gave is an answer.
        const bool answered = reply != nullptr || (sd_bus_error_is_set(&error) != 0 &&
                                                   result != -ETIMEDOUT && result != -ECONNRESET);
        const bool unknown =
            sd_bus_error_has_name(&error, "org.freedesktop.DBus.Error.ServiceUnknown") != 0 ||
            sd_bus_error_has_name(&error, "org.freedesktop.DBus.Error.NoReply") != 0;
        if (!answered || unknown) {
            complaint = fmt::format("{} {}.{} was not answered: {}", path, method.interface,
                                    method.method, std::strerror(-result));
        }
        sd_bus_error_free(&error);
        sd_bus_message_unref(reply);
    }
    sd_bus_message_unref(message);
    return complaint;
}

void RandomCaller::append_all(sd_bus_message* message, std::string_view types) {
    while (!types.empty()) {
        const std::size_t length = first_type(types);
        append(message, types.substr(0, length));
        types.remove_prefix(length);
    }
}

void RandomCaller::append(sd_bus_message* message, std::string_view type) {
    const std::string inner(type.size() > 1 ? type.substr(1) : "");
    if (type[0] == 'v') {
        const std::string held = types();
        const std::string first = held.empty() ? "s" : held.substr(0, first_type(held));
        sd_bus_message_open_container(message, 'v', first.c_str());
        append(message, first);
    } else if (type[0] == 'a') {
        sd_bus_message_open_container(message, 'a', inner.c_str());
        for (unsigned i = pick(4); i > 0; --i) append(message, inner);
    } else if (type[0] == '(' || type[0] == '{') {
        const std::string members = inner.substr(0, inner.size() - 1);
        sd_bus_message_open_container(message, type[0] == '(' ? 'r' : 'e', members.c_str());
        append_all(message, members);
    } else {
        return append_basic(message, type[0]);
    }
    sd_bus_message_close_container(message);
}

void RandomCaller::append_value(sd_bus_message* message, char type, const void* value) {
    whole_ = sd_bus_message_append_basic(message, type, value) >= 0 && whole_;
}

void RandomCaller::append_basic(sd_bus_message* message, char type) {
    if (type == 'h') return append_descriptor(message);
    if (type == 's') {
        append_value(message, 's', text().c_str());
    } else if (type == 'o') {
        append_value(message, 'o', paths_[pick(paths_.size())].c_str());
    } else if (type == 'g') {
        append_value(message, 'g', types().c_str());
    } else if (type == 'b') {
        const int value = static_cast<int>(pick(2));
        append_value(message, 'b', &value);
    } else {
        const std::uint64_t values[] = {0,        1, 30, ~std::uint64_t{0}, std::uint64_t{1} << 31,
                                        random_()};
        append_value(message, type, &values[pick(std::size(values))]);
    }
}

void RandomCaller::append_descriptor(sd_bus_message* message) {
    const std::string content = text();
    const int fd = pick(3) == 0 ? ::open("/dev/null", O_RDWR | O_CLOEXEC)
                                : ::memfd_create("domain", MFD_CLOEXEC);
    std::ignore = ::write(fd, content.data(), content.size());
    append_value(message, 'h', &fd);
    ::close(fd);
}

std::string RandomCaller::text() {
    static constexpr const char* words[] = {
        "",
        "0000:01:00.0",
        "01:00.0",
        "/org/passthru1/gpu/0000_01_00_0",
        "wait",
        "override",
        "BootGpu",
        "HostCritical",
        "detach",
        "reattach",
        "prepare",
        "begin",
        "release",
        "end",
        "-",
        "org.passthru1.Gpu",
        "org.passthru1.Manager",
        "Owner",
        "State",
        "6695eb01-f6a4-8304-79aa-97f2502e193f",
        "\xc3\xbc\xe2\x80\x9c\n\x1b[31m",
        "../../etc/passwd",
        "%s%n{}{0}",
        "<domain><devices><hostdev type='pci'/></devices></domain>"};
    if (pick(16) == 0) return std::string(std::size_t{1} << pick(18), 'x');
    std::string text = words[pick(std::size(words))];
    if (pick(8) == 0) text += words[pick(std::size(words))];
    if (!text.empty() && pick(8) == 0) text[0] = static_cast<char>('!' + pick(90));
    // Half a character of UTF-8 would end the connection.
    return text.starts_with('\xc3') || text.find('\xbc') == std::string::npos ? text : "ü";
}

std::string RandomCaller::types() {
    static constexpr const char* all[] = {"",  "s", "u",  "as", "a{sv}",  "v",    "(sss)",
                                          "x", "d", "o",  "g",  "b",      "y",    "h",
                                          "n", "q", "ai", "t",  "a{sv}s", "aaav", "(a{sv}v)"};
    return all[pick(std::size(all))];
}

}  // namespace passthru::bus_test
