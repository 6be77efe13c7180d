// SPDX-License-Identifier: LGPL-2.1-or-later
// The part of KernelTree that makes device nodes: which processes hold a card is read from these.
#include "libpassthru/pci/sysfs.hpp"
#include "tests/fakes/kernel_tree.hpp"

#include <charconv>
#include <fmt/format.h>

namespace passthru::fakes {

namespace fs = std::filesystem;

namespace {

constexpr int major_drm = 226;  // Documentation/admin-guide/devices.txt
constexpr int major_sound = 116;
constexpr int major_vfio = 511;  // the kernel takes a free one

bool has_stub(const KernelTree& kernel, const fs::path& group) {
    for (const auto& entry : fs::directory_iterator(group / "devices")) {
        const Bdf member = parse_bdf(entry.path().filename().string()).value();
        if (is_stub_driver(kernel.driver_of(member).value_or(""))) return true;
    }
    return false;
}

}  // namespace

int KernelTree::number_of(const Bdf& bdf, std::string_view kind) const {
    const fs::path folder = tree_ / "fake/numbers" / kind;
    fs::create_directories(folder);
    if (const auto text = read_attribute(folder / bdf.str())) return std::stoi(*text);
    const auto count =
        static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
    put(folder / bdf.str(), std::to_string(count));
    return count;
}

void KernelTree::add_node(const fs::path& folder, int major, int minor,
                          std::string_view name) const {
    fs::create_directories(folder);
    put(folder / "dev", fmt::format("{}:{}\n", major, minor));
    put(folder / "uevent", fmt::format("MAJOR={}\nMINOR={}\nDEVNAME={}\n", major, minor, name));
}

void KernelTree::add_nodes(const Bdf& bdf, const std::string& driver) const {
    const fs::path folder = this->folder(bdf);
    const ClassCode class_code = static_cast<ClassCode>(drawn(bdf).class_code >> 8);
    if (is_stub_driver(driver)) {
        const auto group = read_link_name(folder / "iommu_group");
        if (!group) return;
        const int number = number_of(bdf, "vfio");
        add_node(folder / fmt::format("vfio-dev/vfio{}", number), major_vfio - 1, number,
                 fmt::format("vfio/devices/vfio{}", number));
        add_node(tree_ / "sys/class/vfio" / *group, major_vfio, std::stoi(*group),
                 "vfio/" + *group);
        put(tree_ / "dev/vfio" / *group, "");
    } else if ((class_code >> 8) == 0x03) {
        const int number = number_of(bdf, "drm");
        add_node(folder / fmt::format("drm/card{}", number), major_drm, number,
                 fmt::format("dri/card{}", number));
        add_node(folder / fmt::format("drm/renderD{}", 128 + number), major_drm, 128 + number,
                 fmt::format("dri/renderD{}", 128 + number));
    } else if (class_code == 0x0403) {
        const int number = number_of(bdf, "sound");
        add_node(folder / fmt::format("sound/card{0}/controlC{0}", number), major_sound,
                 32 * number, fmt::format("snd/controlC{}", number));
    }
}

void KernelTree::remove_nodes(const Bdf& bdf, const std::string& driver) const {
    const fs::path folder = this->folder(bdf);
    for (const char* subsystem : {"drm", "sound", "vfio-dev"}) fs::remove_all(folder / subsystem);
    const auto group = read_link_name(folder / "iommu_group");
    if (!group || !is_stub_driver(driver)) return;
    if (has_stub(*this, tree_ / "sys/kernel/iommu_groups" / *group)) return;
    fs::remove_all(tree_ / "sys/class/vfio" / *group);
    fs::remove(tree_ / "dev/vfio" / *group);
}

/// Whoever it belongs to goes with it.
void KernelTree::give_node(const fs::path& node, std::uint32_t user) const {
    put(node, std::to_string(user));
}

}  // namespace passthru::fakes
