// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/inventory.hpp"

#include <vector>

namespace passthru {

/// What a function is to the GPU that it moves with.
enum class Role {
    Gpu,        ///< class 03xx
    Companion,  ///< on the same card: display audio, USB-C, UCSI
    Foreign,    ///< in the IOMMU group by the board's wiring; moves only where somebody asks for it
};

[[nodiscard]] std::string_view role_name(Role role);

struct Member {
    Bdf bdf;
    Role role = Role::Foreign;

    bool operator==(const Member&) const = default;
};

/// What moves as one: every endpoint of the IOMMU groups that a GPU and its companions touch. An
/// accelerator that is asked for counts as a GPU.
/// Bridges, host bridges and dummy functions are never in it. Sets do not overlap; two GPUs of one
/// group share one set.
struct DeviceSet {
    std::vector<Member> members;  ///< in order of address
    std::vector<int> groups;      ///< in rising order; empty where there is no IOMMU

    bool operator==(const DeviceSet&) const = default;

    /// The set's name: its first GPU.
    [[nodiscard]] Bdf id() const;
    [[nodiscard]] bool contains(const Bdf& bdf) const;
    [[nodiscard]] std::vector<Bdf> functions() const;
    [[nodiscard]] std::vector<Bdf> with_role(Role role) const;
};

/// The device sets of all GPUs, in order of their first GPU.
[[nodiscard]] std::vector<DeviceSet> device_sets(const Inventory& inventory);

/// Is this GPU a part of the processor?
[[nodiscard]] bool is_integrated(const Function& gpu, const Inventory& inventory);

/// Are both on one card, so that they belong together even where the platform puts them into
/// different groups? True for the audio, USB-C and UCSI functions of a graphics card; false for
/// what serves the board from the slot of its GPU: an APU's security processor, USB controllers and
/// codec, and the USB controller of a server's management chip.
[[nodiscard]] bool is_companion(const Function& function, const Function& gpu,
                                const Inventory& inventory);

void PrintTo(const DeviceSet& set, std::ostream* out);

}  // namespace passthru
