// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "passthructl/problem.hpp"

#include <optional>
#include <string>

namespace passthru::ctl {

/// The XML of the VM that `vm` means: a file where it ends in .xml or has a slash, standard input
/// for `-`, else what virsh says of the VM of this name or UUID on this computer or on `host`.
[[nodiscard]] Answer<std::string> domain_xml(const std::string& vm,
                                             const std::optional<std::string>& host);

}  // namespace passthru::ctl
