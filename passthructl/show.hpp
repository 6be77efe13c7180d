// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "passthructl/answers.hpp"
#include "passthructl/columns.hpp"

#include <nlohmann/json.hpp>

namespace passthru::ctl {

/// One setting of the configuration.
struct Setting {
    std::string subject;  ///< `*`, `10de:2489` or `0000:01:00.0`
    std::string key;
    nlohmann::json value;  ///< null where others decide
    std::string file;      ///< empty for a default
    std::uint32_t line = 0;
};

/// The configuration that counts, and what it was read from.
struct Settings {
    std::vector<std::string> files;
    std::vector<Setting> settings;
    std::vector<std::string> warnings;
};

/// Everything of some GPUs, as `status` has it.
struct Details {
    std::vector<GpuRow> gpus;
};

/// The documented forms of passthructl(1).
[[nodiscard]] nlohmann::json to_json(const std::vector<GpuRow>& rows);
[[nodiscard]] nlohmann::json to_json(const Details& details);
[[nodiscard]] nlohmann::json to_json(const Settings& settings);
[[nodiscard]] nlohmann::json to_json(const OwnerRow& owner);
[[nodiscard]] nlohmann::json to_json(const PlanAnswer& plan);
[[nodiscard]] nlohmann::json to_json(const std::vector<HolderRow>& holders);
[[nodiscard]] nlohmann::json to_json(const std::optional<OwnerRow>& owner);
[[nodiscard]] nlohmann::json to_json(const std::optional<JobRow>& job);
[[nodiscard]] nlohmann::json to_json(const std::vector<WaiterRow>& queue);
[[nodiscard]] nlohmann::json to_json(const std::vector<FindingRow>& findings);

[[nodiscard]] std::string to_text(const std::vector<GpuRow>& rows, const Screen& screen);
[[nodiscard]] std::string to_text(const Details& details, const Screen& screen);
/// TOML that passthrud.conf(5) would take, each value with its place as a comment.
[[nodiscard]] std::string to_text(const Settings& settings, const Screen& screen);
[[nodiscard]] std::string to_text(const std::vector<FindingRow>& findings, const Screen& screen);
[[nodiscard]] std::string to_text(const OwnerRow& owner, const Screen& screen);
[[nodiscard]] std::string to_text(const PlanAnswer& plan, const Screen& screen);
[[nodiscard]] std::string to_text(const std::vector<HolderRow>& holders, const Screen& screen);

/// `GeForce RTX 3060 Ti` of `NVIDIA Corporation GA104 [GeForce RTX 3060 Ti]`; class and ids where
/// no name is known.
[[nodiscard]] std::string short_name_of(const GpuRow& row);
/// `host`, `domain win11`, or `?` where nobody knows.
[[nodiscard]] std::string owner_text(const std::optional<OwnerRow>& owner);
/// `detach, step 2 of 7: unbind …`
[[nodiscard]] std::string job_text(const JobRow& job);
/// How a state is shown: on the host is good, on the way is moving, trouble is bad.
[[nodiscard]] Style style_of_state(const std::string& state);

}  // namespace passthru::ctl
