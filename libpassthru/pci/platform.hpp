// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/sysfs.hpp"

#include <string>
#include <string_view>

namespace passthru {

/// What the firmware and the kernel's command line say about the whole machine; read to explain,
/// never to decide.
struct Platform {
    std::string command_line;           ///< /proc/cmdline
    std::string cpu_vendor;             ///< `GenuineIntel`, `AuthenticAMD`, or empty
    bool is_virtual = false;            ///< the CPU says that a hypervisor runs it
    bool firmware_tells_iommu = false;  ///< there is an ACPI DMAR, IVRS, IORT or VIOT table

    bool operator==(const Platform&) const = default;

    /// The value of `name=` on the kernel's command line, the last one where it stands twice, as
    /// the kernel takes it; empty when it is not there.
    [[nodiscard]] std::string parameter(std::string_view name) const;
};

[[nodiscard]] Platform read_platform(const Root& root);

}  // namespace passthru
