// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/function.hpp"

#include "libpassthru/pci/sysfs.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <ostream>

namespace passthru {

std::string PciId::str() const {
    return fmt::format("{:04x}:{:04x}", vendor, device);
}

bool Function::is_bridge() const {
    // PCI, CardBus, RACEway, semi-transparent and InfiniBand bridges. ISA bridges (0601) are
    // endpoints by their header, and the board depends on them.
    return has_secondary || class_code == 0x0604 || class_code == 0x0607 || class_code == 0x0609;
}

bool Function::is_furniture() const {
    // 1300 is "non-essential instrumentation": AMD's dummy functions beside the GPU of an APU.
    return class_code == 0x0600 || class_code == 0x1300;
}

bool Function::on_stub() const {
    return driver && is_stub_driver(*driver);
}

bool is_reset_method(std::string_view name) {
    constexpr std::size_t longest = 32;
    return !name.empty() && name.size() <= longest && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

std::string_view class_name(ClassCode code) {
    switch (code) {
        case 0x0106: return "SATA controller";
        case 0x0107: return "SAS controller";
        case 0x0104: return "RAID controller";
        case 0x0108: return "NVMe disk";
        case 0x0200: return "Ethernet controller";
        case 0x0280: return "Wi-Fi controller";
        case 0x0300: return "VGA controller";
        case 0x0302: return "3D controller";
        case 0x0380: return "display controller";
        case 0x0403: return "audio";
        case 0x0600: return "host bridge";
        case 0x0601: return "ISA bridge";
        case 0x0604: return "PCI bridge";
        case 0x0c03: return "USB controller";
        case 0x0c05: return "SMBus";
        case 0x0c80: return "USB-C controller";
        case 0x1080: return "security processor";
        case 0x1200: return "accelerator";
        default: break;
    }
    switch (code >> 8) {
        case 0x01: return "storage controller";
        case 0x02: return "network controller";
        case 0x03: return "display controller";
        case 0x04: return "multimedia controller";
        case 0x06: return "bridge";
        case 0x0c: return "serial bus controller";
        default: return "device";
    }
}

void PrintTo(const Function& function, std::ostream* out) {
    *out << fmt::format("{} [{:04x}] {} group {} driver {}", function.bdf.str(),
                        function.class_code, function.id.str(), function.iommu_group.value_or(-1),
                        function.driver.value_or("none"));
}

}  // namespace passthru
