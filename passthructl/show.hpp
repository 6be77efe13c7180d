// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "passthructl/bus.hpp"

#include <nlohmann/json_fwd.hpp>

namespace passthru::ctl {

/// How answers are printed.
enum class Format { Text, Json };

/// What `list` shows of one GPU.
struct GpuRow {
    Function gpu;
    DeviceSet set;
    std::string model;  ///< `NVIDIA Corporation GA104 [GeForce RTX 3060 Ti]`, or empty
    std::string state;
    std::vector<std::string> owner;  ///< kind, id, name; empty when nobody could be asked
};

/// The documented forms of passthructl(1).
[[nodiscard]] nlohmann::json to_json(const std::vector<GpuRow>& rows);
[[nodiscard]] nlohmann::json to_json(const PlanAnswer& plan);
[[nodiscard]] nlohmann::json to_json(const std::vector<HolderRow>& holders);

[[nodiscard]] std::string to_text(const std::vector<GpuRow>& rows, std::size_t width);
[[nodiscard]] std::string to_text(const PlanAnswer& plan, std::size_t width);
[[nodiscard]] std::string to_text(const std::vector<HolderRow>& holders, std::size_t width);

/// A refusal of the whole question, such as NoSuchGpu, in the form of a plan.
[[nodiscard]] PlanAnswer refused_plan(const Bdf& gpu, const Error& error);
[[nodiscard]] PlanAnswer answer_of(const DryRun& run);

}  // namespace passthru::ctl
