// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/owner.hpp"
#include "libpassthru/pci/bdf.hpp"
#include "libpassthru/reset/reset_trial.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace passthru {

/// One function of a device set as the bus shows it.
struct FunctionView {
    std::string address;
    std::uint32_t class_code = 0;
    std::string class_name;
    std::uint16_t vendor_id = 0;
    std::uint16_t device_id = 0;
    std::string role;
    std::optional<std::string> driver;
    std::optional<std::string> driver_override;
    std::optional<std::uint32_t> iommu_group;

    bool operator==(const FunctionView&) const = default;
};

/// Somebody who waits for a GPU.
struct WaiterView {
    std::uint64_t job = 0;
    Owner owner;
    std::string client;
    std::uint32_t limit = 0;  ///< seconds

    bool operator==(const WaiterView&) const = default;
};

/// All properties of a GPU object, as values that can be compared.
struct GpuView {
    Bdf bdf;
    std::uint16_t vendor_id = 0;
    std::uint16_t device_id = 0;
    std::string vendor;
    std::string model;
    int numa_node = -1;
    bool boot_vga = false;
    std::vector<std::uint32_t> iommu_groups;
    std::string state;
    Owner owner;
    std::vector<FunctionView> functions;
    std::vector<std::string> reset_methods;
    std::vector<ResetTrial> last_reset;
    std::string error_name;
    std::string error_message;
    std::uint64_t job = 0;  ///< 0 for none
    std::vector<WaiterView> queue;

    bool operator==(const GpuView&) const = default;
};

/// All properties of a job object.
struct JobView {
    std::uint64_t number = 0;
    Bdf gpu;
    std::string kind;
    std::uint64_t started_at = 0;  ///< microseconds since 1970
    std::uint32_t steps = 0;
    std::uint32_t step = 0;
    std::string step_name;

    bool operator==(const JobView&) const = default;
};

[[nodiscard]] inline std::string gpu_path(const Bdf& gpu) {
    return "/org/passthru1/gpu/" + gpu.path_element();
}
[[nodiscard]] inline std::string job_path(std::uint64_t number) {
    return number == 0 ? "/" : "/org/passthru1/job/" + std::to_string(number);
}

}  // namespace passthru
