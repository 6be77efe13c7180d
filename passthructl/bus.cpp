// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/bus.hpp"

#include <fmt/format.h>
#include <sdbus-c++/sdbus-c++.h>
#include <tuple>
#include <unistd.h>

namespace passthru::ctl {
namespace {

constexpr const char* service = "org.passthru1";
constexpr const char* root_path = "/org/passthru1";
constexpr const char* manager_interface = "org.passthru1.Manager";
constexpr const char* gpu_interface = "org.passthru1.Gpu";

using Options = std::map<std::string, sdbus::Variant>;
using Objects = std::map<sdbus::ObjectPath, std::map<std::string, Options>>;
using Strings3 = sdbus::Struct<std::string, std::string, std::string>;

template <typename T>
T value(const Options& options, const std::string& key) {
    const auto found = options.find(key);
    return found == options.end() ? T{} : found->second.get<T>();
}

std::string text(const Options& options, const char* key) {
    return value<std::string>(options, key);
}

std::vector<std::string> list_of(const Strings3& three) {
    return {std::get<0>(three), std::get<1>(three), std::get<2>(three)};
}

/// The daemon's own error by its name; anything else is Failed.
Error error_of(const sdbus::Error& error) {
    const std::string_view name(error.getName());
    const std::string_view last = name.substr(name.rfind('.') + 1);
    if (last == "ServiceUnknown" || last == "NameHasNoOwner") {
        return {Errc::Failed, "passthrud does not run: “systemctl start passthrud” starts it", 0};
    }
    return {errc_from_name(last), std::string(error.getMessage()), 0};
}

template <typename Call>
auto guarded(Call call) -> Result<decltype(call())> {
    try {
        return call();
    } catch (const sdbus::Error& error) {
        return std::unexpected(error_of(error));
    }
}

}  // namespace

struct Daemon::Connection {
    std::unique_ptr<sdbus::IConnection> bus = sdbus::createSystemBusConnection();

    std::unique_ptr<sdbus::IProxy> proxy(const std::string& path) const {
#if PASSTHRU_SDBUS_2
        return sdbus::createProxy(*bus, sdbus::ServiceName{service}, sdbus::ObjectPath{path});
#else
        return sdbus::createProxy(*bus, service, path);
#endif
    }
};

Daemon::Daemon(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::connect() {
    return guarded(
        [] { return std::unique_ptr<Daemon>(new Daemon(std::make_unique<Connection>())); });
}

Result<std::map<Bdf, KnownGpu>> Daemon::gpus() {
    return guarded([&] {
        Objects objects;
        connection_->proxy(root_path)
            ->callMethod("GetManagedObjects")
            .onInterface("org.freedesktop.DBus.ObjectManager")
            .storeResultsTo(objects);
        std::map<Bdf, KnownGpu> result;
        for (const auto& [path, interfaces] : objects) {
            const auto found = interfaces.find(gpu_interface);
            if (found == interfaces.end()) continue;
            const Options& gpu = found->second;
            const auto bdf = parse_bdf(text(gpu, "Address"));
            if (!bdf) continue;
            result[*bdf] = {std::string(path), text(gpu, "Vendor"), text(gpu, "Model"),
                            text(gpu, "State"), list_of(value<Strings3>(gpu, "Owner"))};
        }
        return result;
    });
}

Result<std::string> Daemon::find(const std::string& name) {
    return guarded([&] {
        sdbus::ObjectPath path;
        connection_->proxy(root_path)
            ->callMethod("FindGpu")
            .onInterface(manager_interface)
            .withArguments(name)
            .storeResultsTo(path);
        return std::string(path);
    });
}

Result<PlanAnswer> Daemon::plan(const std::string& path, const std::string& action) {
    return guarded([&] {
        std::vector<Options> lines;
        connection_->proxy(path)
            ->callMethod("Plan")
            .onInterface(gpu_interface)
            .withArguments(action, Options{})
            .storeResultsTo(lines);
        PlanAnswer plan;
        plan.action = action;
        for (const Options& line : lines) {
            if (line.contains("gpu")) {
                plan.gpu = text(line, "gpu");
                plan.device_set = value<std::vector<std::string>>(line, "device-set");
            } else if (line.contains("error")) {
                plan.refusals.push_back({text(line, "error"), text(line, "function"),
                                         text(line, "message"), text(line, "remedy")});
            } else if (line.contains("warning")) {
                plan.warnings.push_back(
                    {text(line, "warning"), text(line, "function"), text(line, "message")});
            } else {
                plan.steps.push_back(
                    {text(line, "step"), text(line, "function"), text(line, "text")});
            }
        }
        return plan;
    });
}

Result<std::vector<HolderRow>> Daemon::holders(const std::string& path) {
    return guarded([&] {
        std::vector<Options> lines;
        connection_->proxy(path)
            ->callMethod("ListHolders")
            .onInterface(gpu_interface)
            .withArguments(Options{})
            .storeResultsTo(lines);
        std::vector<HolderRow> rows;
        for (const Options& line : lines) {
            rows.push_back({text(line, "kind"), text(line, "command"),
                            value<std::uint32_t>(line, "pid"), text(line, "user"),
                            text(line, "node"), text(line, "function"), text(line, "unit"),
                            text(line, "session")});
        }
        return rows;
    });
}

Result<std::vector<std::string>> Daemon::owner(const std::string& address) {
    return guarded([&] {
        std::string kind;
        std::string id;
        std::string name;
        connection_->proxy(root_path)
            ->callMethod("GetOwner")
            .onInterface(manager_interface)
            .withArguments(address)
            .storeResultsTo(kind, id, name);
        return std::vector{kind, id, name};
    });
}

Result<void> Daemon::move(const std::string& path, const std::string& verb,
                          const std::string& method) {
    try {
        Options options;
        if (!method.empty()) options.emplace("method", sdbus::Variant{method});
        // A driver or a program that has to let go may take minutes.
        connection_->proxy(path)
            ->callMethod(verb)
            .onInterface(gpu_interface)
            .withTimeout(std::chrono::minutes(10))
            .withArguments(options);
        return {};
    } catch (const sdbus::Error& error) {
        return std::unexpected(error_of(error));
    }
}

Result<Borrowed> Daemon::lease(const std::string& path, const std::string& who,
                               const std::string& why) {
    return guarded([&] {
        sdbus::UnixFd lease;
        Borrowed borrowed;
        const auto gpu = connection_->proxy(path);
        borrowed.address = gpu->getProperty("Address").onInterface(gpu_interface).get<std::string>();
        gpu->callMethod("Lease")
            .onInterface(gpu_interface)
            .withTimeout(std::chrono::minutes(10))
            .withArguments(who, why, Options{})
            .storeResultsTo(lease, borrowed.nodes);
        // A copy that nobody closes, and that a command inherits.
        std::ignore = ::dup(lease.get());
        return borrowed;
    });
}

Result<void> Daemon::forget(const std::string& domain) {
    try {
        connection_->proxy(root_path)
            ->callMethod("ForgetDomain")
            .onInterface(manager_interface)
            .withArguments(domain, Options{});
        return {};
    } catch (const sdbus::Error& error) {
        return std::unexpected(error_of(error));
    }
}

}  // namespace passthru::ctl
