// SPDX-License-Identifier: LGPL-2.1-or-later
// What passthrud or a machine's files tell, as values that touch nothing.
#pragma once

#include "libpassthru/pci/pcie_link.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace passthru::ctl {

/// What a plan says.
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

/// Who has a GPU.
struct OwnerRow {
    std::string kind;
    std::string id;
    std::string name;

    bool operator==(const OwnerRow&) const = default;
};

/// A move that is under way.
struct JobRow {
    std::string kind;
    std::uint64_t step = 0;  ///< how many are done
    std::uint64_t steps = 0;
    std::string text;              ///< what is being done now
    std::uint64_t started_at = 0;  ///< microseconds since 1970

    bool operator==(const JobRow&) const = default;
};

/// Something that `doctor` found.
struct FindingRow {
    std::string id;
    std::string severity;  ///< `error`, `warning`, `note`
    std::string subject;   ///< empty for the computer
    std::string message;
    std::string remedy;
    std::string documentation;
};

/// Somebody who waits for a GPU.
struct WaiterRow {
    OwnerRow owner;
    std::uint32_t limit = 0;  ///< seconds

    bool operator==(const WaiterRow&) const = default;
};

/// A function of a GPU's device set.
struct FunctionRow {
    std::string address;
    std::uint16_t class_code = 0;
    std::string class_name;
    std::uint16_t vendor_id = 0;
    std::uint16_t device_id = 0;
    std::string role;
    std::optional<std::string> driver;
    std::optional<std::string> driver_override;
    std::optional<std::uint32_t> iommu_group;
};

/// One attempt of the last reset.
struct ResetRow {
    std::string method;
    std::uint64_t at = 0;        ///< microseconds since 1970
    std::uint64_t duration = 0;  ///< microseconds
    std::string result;
    std::string message;
};

/// The name and sentence of a refusal or a failure.
struct ErrorRow {
    std::string error;
    std::string message;
};

/// One GPU. What only passthrud knows is empty where the machine's files were read.
struct GpuRow {
    std::string address;
    std::uint16_t vendor_id = 0;
    std::uint16_t device_id = 0;
    std::string model;  ///< `NVIDIA Corporation GA104 [GeForce RTX 3060 Ti]`
    int numa_node = -1;
    bool boot_vga = false;
    std::vector<std::uint32_t> iommu_groups;
    std::string state;
    std::string power_state;
    PcieLink link;
    std::vector<FunctionRow> functions;
    std::vector<std::string> reset_methods;
    std::optional<OwnerRow> owner;
    std::vector<ResetRow> last_reset;
    std::optional<ErrorRow> last_error;
    std::optional<JobRow> job;
    std::vector<WaiterRow> queue;

    /// The GPU's own function; an empty one where it is not listed.
    [[nodiscard]] FunctionRow own() const {
        for (const FunctionRow& it : functions) {
            if (it.address == address) return it;
        }
        return {};
    }
};

}  // namespace passthru::ctl
