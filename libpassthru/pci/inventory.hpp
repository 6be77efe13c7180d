// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/function.hpp"
#include "libpassthru/pci/platform.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace passthru {

/// Reading driver_override takes the lock of the device (drivers/pci/pci-sysfs.c,
/// driver_override_show), which a driver that hangs in probe or remove holds: the reader would hang
/// as well. Nothing else that is read does.
enum class Overrides { Read, LeaveAlone };

/// Every PCI function of the machine at one moment, and what VFIO can do here.
struct Inventory {
    std::map<Bdf, Function> functions;
    std::string iommu_kind = "none";        ///< `intel`, `amd`, `smmu`, `virtio` or `none`
    std::vector<std::string> stub_drivers;  ///< drivers for VFIO that are loaded now
    std::vector<std::string> vfio_aliases;  ///< patterns and modules of modules.alias
    /// Groups with memory that the firmware keeps mapped one to one, so that no guest can own them.
    std::set<int> reserved_groups;
    Platform platform;
    /// Accelerators (class 12xx) that somebody asks for by name; they are handled as GPUs.
    std::set<Bdf> asked_for;
    /// GPUs that somebody wants left alone; they are handled as any other device.
    std::set<Bdf> left_out;

    bool operator==(const Inventory&) const = default;

    [[nodiscard]] const Function* find(const Bdf& bdf) const;
    /// The functions of one IOMMU group, bridges included, in order of address.
    [[nodiscard]] std::vector<const Function*> group(int id) const;
    /// Is it the head of a device set: a GPU that is not left out, or an accelerator that is asked
    /// for?
    [[nodiscard]] bool leads(const Function& function) const;
    /// False for a machine picture that tells no driver at all: there a missing driver means
    /// nothing.
    [[nodiscard]] bool tells_drivers() const;
};

/// Reads the machine below `root`. What cannot be read is left out; an empty machine is an empty
/// inventory.
[[nodiscard]] Inventory read_inventory(const Root& root, Overrides overrides = Overrides::Read);

/// Reads only these functions anew, for a decision about one set; one that is gone is taken out.
void reread(Inventory& inventory, const Root& root, const std::vector<Bdf>& functions,
            Overrides overrides = Overrides::Read);

/// What driver_override of each of these functions says now; one that is gone is left out. For a
/// process that may hang, see `Overrides`.
using OverrideMap = std::map<Bdf, std::optional<std::string>>;
[[nodiscard]] OverrideMap read_overrides(const Root& root, const std::vector<Bdf>& functions);

/// The driver that libvirt would choose to hold this function for VFIO: the module whose
/// `vfio_pci:` alias fits best (fewest wildcards; virPCIDeviceFindBestVFIOVariant), else
/// `vfio-pci`.
[[nodiscard]] std::string stub_driver_for(const Function& function, const Inventory& inventory);

}  // namespace passthru
