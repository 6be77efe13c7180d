// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/hostdev/domain_xml.hpp"
#include "libpassthru/pci/inventory.hpp"

#include <filesystem>

namespace passthru {

/// What stood at each address that a VM lists when it last ran, in one file a VM. PCI addresses
/// shift when a card is added or a firmware setting changes; the VM would get the disk that has
/// come to stand where its GPU was.
class DomainMemory {
public:
    /// Keeps its files in `folder`, which is made when it does not exist.
    explicit DomainMemory(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// AddressChanged when something of another kind stands at an address of the domain now:
    /// anything that is no GPU where a GPU was, and any other device where something else was.
    /// Another GPU in the place of a GPU is a new card and no surprise, nor is what it has of the
    /// same kinds in its slot. A damaged file is no memory.
    [[nodiscard]] Result<void> check(const DomainRequest& domain, const Inventory& inventory) const;

    /// Remembers what stands there now, instead of what was remembered before.
    [[nodiscard]] Result<void> remember(const DomainRequest& domain,
                                        const Inventory& inventory) const;

    /// Forgets a domain by its UUID, or all of this name; InvalidArgs when none is remembered.
    [[nodiscard]] Result<void> forget(const std::string& name_or_uuid) const;

private:
    [[nodiscard]] std::filesystem::path file_of(const std::string& uuid) const;

    std::filesystem::path folder_;
};

}  // namespace passthru
