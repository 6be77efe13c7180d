// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/inventory.hpp"
#include "libpassthru/safety/policy.hpp"

#include <map>
#include <string>
#include <vector>

namespace passthru {

/// What the administrator wrote about GPUs, from passthrud.conf(5). Empty without any file.
struct Config {
    /// What one `[gpu."…"]` section sets; what it leaves out comes from a less exact one.
    struct Section {
        std::optional<BootGpuRule> boot_gpu;
        std::optional<WhenInUse> in_use;
        std::optional<std::chrono::seconds> wait;
        std::optional<std::chrono::seconds> queue;
        std::optional<AtStop> at_stop;
        std::optional<std::vector<Bdf>> move_too;
        std::optional<std::vector<std::string>> stop_services;  ///< as they are written
        std::optional<std::vector<std::string>> reset;
        std::optional<bool> exclude;
        bool operator==(const Section&) const = default;
    };
    /// By what it is about: `*`, `10de:2489` or `0000:01:00.0`.
    std::map<std::string, Section> gpus;

    /// What counts where no section sets it; `reset` is left to the quirks and the kernel.
    [[nodiscard]] static Section defaults();

    bool operator==(const Config&) const = default;

    /// For one GPU: address over id over `*`. Services are named as they are written.
    [[nodiscard]] GpuPolicy policy_for(const Function& gpu) const;
    /// Every service that is stopped for some GPU, as it is written.
    [[nodiscard]] std::vector<std::string> stop_services() const;
    /// Tells the inventory which functions lead device sets here: GPUs but for those that are
    /// excluded, and the accelerators (class 12xx) that a section names by address or id.
    void choose_gpus(Inventory& inventory) const;

private:
    [[nodiscard]] std::vector<const Section*> sections_for(const Function& gpu) const;
};

/// Where a setting was written.
struct ConfigPlace {
    std::string file;
    std::uint32_t line = 0;

    bool operator==(const ConfigPlace&) const = default;
};

/// A configuration and what should be told about it.
struct ReadConfig {
    Config config;
    std::vector<std::string> warnings;  ///< `FILE:LINE:COLUMN: …`, unknown keys
    std::vector<std::string> files;     ///< what was read, the most important one last
    /// Where each setting has its value from: subject → key → place.
    std::map<std::string, std::map<std::string, ConfigPlace>> places;
};

/// Reads `passthrud/passthrud.conf` and the drop-ins `passthrud/passthrud.conf.d/*.conf` below the
/// root's /usr/lib, /usr/local/lib, /run and /etc, with systemd's precedence
/// (systemd-system.conf(5)): drop-ins in order of their names over the main file, a name in a later
/// folder of this list replaces the same name in an earlier one, and a link to /dev/null takes it
/// out. InvalidArgs, with file, line and column, for the first mistake.
[[nodiscard]] Result<ReadConfig> read_config_files(const Root& root);

/// Reads one file's text; `name` is for messages.
[[nodiscard]] Result<void> read_config_text(std::string_view text, const std::string& name,
                                            ReadConfig& into);

}  // namespace passthru
