// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace passthru {

/// What a libvirt domain asks of us: who it is, and every PCI function of the host that it names.
struct DomainRequest {
    std::string uuid;
    std::string name;
    std::vector<Bdf> functions;  ///< in order of appearance, each one once

    bool operator==(const DomainRequest&) const = default;
};

/// The longest domain XML that is read, in bytes. libvirt's own limit for a message is 32 MiB; real
/// domains are below 100 KiB.
inline constexpr std::size_t max_domain_xml = 4UZ * 1024 * 1024;

/// Reads a domain's XML as libvirt gives it to a hook. PCI functions come from `hostdev` of type
/// pci, `interface type='hostdev'`, `disk type='nvme'`, and `-device vfio-pci,host=…` (or
/// `sysfsdev=`, or as JSON) in `qemu:commandline`, which libvirt itself does not see. Elements of
/// other types are ignored. InvalidArgs when it is no domain, has no name, or names a PCI function
/// by an address that is none.
[[nodiscard]] Result<DomainRequest> parse_domain_xml(std::string_view xml);

}  // namespace passthru
