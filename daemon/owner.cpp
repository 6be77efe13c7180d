// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/owner.hpp"

#include <fmt/format.h>
#include <ostream>

namespace passthru {

std::string_view owner_kind_name(OwnerKind kind) {
    switch (kind) {
        case OwnerKind::Host: return "host";
        case OwnerKind::Domain: return "domain";
        case OwnerKind::Lease: return "lease";
        case OwnerKind::Administrator: return "administrator";
    }
    return "host";
}

OwnerKind owner_kind_from_name(std::string_view name) {
    for (const OwnerKind kind : {OwnerKind::Domain, OwnerKind::Lease, OwnerKind::Administrator}) {
        if (owner_kind_name(kind) == name) return kind;
    }
    return OwnerKind::Host;
}

std::string describe(const Owner& owner) {
    switch (owner.kind) {
        case OwnerKind::Host: return "the host";
        case OwnerKind::Domain: return fmt::format("the VM “{}”", owner.name);
        case OwnerKind::Lease: return fmt::format("the lease of {}", owner.name);
        case OwnerKind::Administrator:
            return owner.name.empty() ? "the administrator or another program"
                                      : fmt::format("the administrator {}", owner.name);
    }
    return "the host";
}

void PrintTo(const Owner& owner, std::ostream* out) {
    *out << owner_kind_name(owner.kind) << ' ' << owner.id << ' ' << owner.name;
}

}  // namespace passthru
