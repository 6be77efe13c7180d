// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/sysfs.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace passthru {

/// Is this the name of a service of systemd's: `ollama.service`, `foo@bar.service`? Source:
/// systemd v252, src/basic/unit-name.c, VALID_CHARS_WITH_AT and unit_name_is_valid.
[[nodiscard]] bool is_service_name(std::string_view name);

/// The unit that this name means: `gdm.service` for `display-manager.service`, which is a link in
/// /etc/systemd/system (systemd.unit(5), Alias=); else the name itself.
[[nodiscard]] std::string service_behind(const Root& root, const std::string& name);

/// Does systemd have a unit of this name, or a template for it, masked ones too? True also where it
/// keeps no units at all. Source: systemd.unit(5), “System Unit Search Path”.
[[nodiscard]] bool has_unit(const Root& root, const std::string& name);

/// Those of the services that have a process now, by the cgroup that systemd keeps for each
/// (cgroup v2; `populated` of cgroup.events). The names are those of `service_behind`.
[[nodiscard]] std::set<std::string> running_services(const Root& root,
                                                     const std::vector<std::string>& names);

}  // namespace passthru
