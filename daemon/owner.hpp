// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace passthru {

enum class OwnerKind { Host, Domain, Lease, Administrator };

/// Who has a device set.
struct Owner {
    OwnerKind kind = OwnerKind::Host;
    std::string id;    ///< a domain's UUID, an administrator's user id
    std::string name;  ///< a domain's or a user's name

    bool operator==(const Owner&) const = default;
};

/// `host`, `domain`, `lease`, `administrator`.
[[nodiscard]] std::string_view owner_kind_name(OwnerKind kind);
/// The inverse; Host for a word that this version does not know.
[[nodiscard]] OwnerKind owner_kind_from_name(std::string_view name);

/// For a sentence: `the VM “win11”`, `the host`, `the administrator alice`.
[[nodiscard]] std::string describe(const Owner& owner);

void PrintTo(const Owner& owner, std::ostream* out);

}  // namespace passthru
