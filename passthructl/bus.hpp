// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/plan/dry_run.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace passthru::ctl {

/// What a plan says, from the daemon or from the machine's files.
struct PlanAnswer {
    struct Refusal {
        std::string error;  ///< `org.passthru1.Error.NotIsolated`
        std::string function;
        std::string message;
        std::string remedy;
    };
    struct Warning {
        std::string warning;
        std::string function;
        std::string message;
    };
    struct Step {
        std::string step;
        std::string function;
        std::string text;
    };
    std::string action = "detach";
    std::string gpu;
    std::vector<std::string> device_set;
    std::vector<Refusal> refusals;
    std::vector<Warning> warnings;
    std::vector<Step> steps;
};

/// Who has a node of a GPU open.
struct HolderRow {
    std::string kind;
    std::string command;
    std::uint32_t pid = 0;
    std::string user;
    std::string node;
    std::string function;
    std::string unit;
    std::string session;
};

/// What the daemon knows of a GPU beyond sysfs.
struct KnownGpu {
    std::string path;
    std::string vendor;
    std::string model;
    std::string state;
    std::vector<std::string> owner;
};

/// A GPU that was borrowed until this process, and every child that has inherited the lease, has
/// ended.
struct Borrowed {
    std::string address;
    std::vector<std::string> nodes;  ///< `/dev/vfio/12`
};

/// The daemon on the system bus. Every call may fail with what the daemon said, or with Failed when
/// the bus or the daemon cannot be reached.
class Daemon {
public:
    [[nodiscard]] static Result<std::unique_ptr<Daemon>> connect();
    ~Daemon();

    [[nodiscard]] Result<std::map<Bdf, KnownGpu>> gpus();
    /// The object of the GPU that an address, a short address or a unique part of its name means.
    [[nodiscard]] Result<std::string> find(const std::string& name);
    [[nodiscard]] Result<PlanAnswer> plan(const std::string& path, const std::string& action);
    [[nodiscard]] Result<std::vector<HolderRow>> holders(const std::string& path);
    /// Kind, id, name.
    [[nodiscard]] Result<std::vector<std::string>> owner(const std::string& address);
    /// Detach, Reattach or Reset; `method` is for Reset. Waits as long as it takes.
    [[nodiscard]] Result<void> move(const std::string& path, const std::string& verb,
                                    const std::string& method);
    /// Waits as long as it takes.
    [[nodiscard]] Result<Borrowed> lease(const std::string& path, const std::string& who,
                                         const std::string& why);
    /// The domain's devices are remembered no longer; for a VM whose devices have really changed.
    [[nodiscard]] Result<void> forget(const std::string& domain);

private:
    struct Connection;
    explicit Daemon(std::unique_ptr<Connection> connection);
    std::unique_ptr<Connection> connection_;
};

}  // namespace passthru::ctl
