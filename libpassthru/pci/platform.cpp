// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/platform.hpp"

#include <sstream>

namespace passthru {
namespace {

/// A line of /proc/cpuinfo, of the first processor: `vendor_id	: GenuineIntel`.
std::string cpu_line(const std::string& cpuinfo, std::string_view key) {
    std::istringstream lines(cpuinfo);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(key)) continue;
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        const std::size_t start = line.find_first_not_of(" \t", colon + 1);
        return start == std::string::npos ? "" : line.substr(start);
    }
    return "";
}

}  // namespace

std::string Platform::parameter(std::string_view name) const {
    std::istringstream words(command_line);
    std::string value;
    for (std::string word; words >> word;) {
        if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=') {
            value = word.substr(name.size() + 1);
        }
    }
    return value;
}

Platform read_platform(const Root& root) {
    Platform platform;
    platform.command_line = read_attribute(root.below("proc/cmdline")).value_or("");
    const std::string cpuinfo = read_attribute(root.below("proc/cpuinfo")).value_or("");
    platform.cpu_vendor = cpu_line(cpuinfo, "vendor_id");
    // X86_FEATURE_HYPERVISOR, CPUID leaf 1 ECX bit 31 (arch/x86/include/asm/cpufeatures.h).
    platform.is_virtual = (" " + cpu_line(cpuinfo, "flags") + " ").contains(" hypervisor ");
    std::error_code error;
    for (const char* table : {"DMAR", "IVRS", "IORT", "VIOT"}) {
        platform.firmware_tells_iommu =
            platform.firmware_tells_iommu ||
            std::filesystem::exists(root.below("sys/firmware/acpi/tables") / table, error);
    }
    return platform;
}

}  // namespace passthru
