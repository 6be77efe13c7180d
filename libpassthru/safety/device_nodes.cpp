// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/device_nodes.hpp"

#include "libpassthru/safety/folder.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <sys/sysmacros.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;

constexpr unsigned nvidia_major = 195;  // Documentation/admin-guide/devices.txt

/// Sorted, so that the same machine gives the same list each time.
std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    Folder(folder.c_str()).for_each([&](const char* name) { names.emplace_back(name); });
    std::ranges::sort(names);
    return names;
}

class Collector {
public:
    Collector(const Root& root, std::vector<DeviceNode>& nodes) : root_(root), nodes_(nodes) {}

    void add_nodes_of(const Bdf& bdf) {
        const fs::path device = root_.below("sys/bus/pci/devices") / bdf.str();
        for (const std::string& name : names_in(device)) {
            const fs::path child = device / name;
            if (name == "drm") {
                add_class(bdf, child);
                add_buses_of_connectors(bdf, child);
            } else if (name == "graphics" || name == "vfio-dev") {
                add_class(bdf, child);
            } else if (name == "sound") {
                for (const std::string& card : names_in(child)) add_class(bdf, child / card);
            } else if (name.starts_with("i2c-")) {
                add_class(bdf, child / "i2c-dev");
            }
        }
        if (const auto group = read_link_name(device / "iommu_group")) {
            add(bdf, root_.below("sys/class/vfio") / *group);
        }
        add_nvidia(bdf);
    }

private:
    void add_class(const Bdf& bdf, const fs::path& folder) {
        for (const std::string& name : names_in(folder)) add(bdf, folder / name);
    }

    /// The bus of a DisplayPort's AUX channel has the connector as its parent
    /// (drivers/gpu/drm/display/drm_dp_helper.c:drm_dp_aux_register):
    /// `drm/card1/card1-DP-1/i2c-5`.
    void add_buses_of_connectors(const Bdf& bdf, const fs::path& drm) {
        for (const std::string& card : names_in(drm)) {
            for (const std::string& connector : names_in(drm / card)) {
                if (!connector.starts_with("card")) continue;
                const fs::path folder = drm / card / connector;
                for (const std::string& name : names_in(folder)) {
                    if (name.starts_with("i2c-")) add_class(bdf, folder / name / "i2c-dev");
                }
            }
        }
    }

    /// NVIDIA's driver makes no class device in sysfs.
    void add_nvidia(const Bdf& bdf) {
        const auto text =
            read_attribute(root_.below("proc/driver/nvidia/gpus") / bdf.str() / "information");
        constexpr std::string_view key = "Device Minor:";
        const std::size_t at = text ? text->find(key) : std::string::npos;
        if (at == std::string::npos) return;
        const std::size_t start = text->find_first_not_of(" \t", at + key.size());
        if (start == std::string::npos) return;
        unsigned minor = 0;
        const auto [stop, error] =
            std::from_chars(text->data() + start, text->data() + text->size(), minor);
        if (error != std::errc{}) return;
        nodes_.push_back({bdf, makedev(nvidia_major, minor), fmt::format("/dev/nvidia{}", minor)});
    }

    /// The node of a class device's folder; most of its neighbours (`power`, `device`) have none.
    void add(const Bdf& bdf, const fs::path& folder) {
        const auto number = read_attribute(folder / "dev");
        if (!number) return;
        unsigned major_number = 0;
        unsigned minor_number = 0;
        const char* end = number->data() + number->size();
        const auto colon = std::from_chars(number->data(), end, major_number);
        if (colon.ec != std::errc{} || colon.ptr == end) return;
        std::from_chars(colon.ptr + 1, end, minor_number);
        nodes_.push_back({bdf, makedev(major_number, minor_number), name_of(folder)});
    }

    static std::string name_of(const fs::path& folder) {
        const std::string uevent = read_attribute(folder / "uevent").value_or("");
        constexpr std::string_view key = "DEVNAME=";
        const std::size_t at = uevent.find(key);
        if (at == std::string::npos) return {};
        const std::size_t start = at + key.size();
        return "/dev/" + uevent.substr(start, uevent.find('\n', start) - start);
    }

    const Root& root_;
    std::vector<DeviceNode>& nodes_;
};

}  // namespace

std::vector<DeviceNode> device_nodes(const Root& root, const std::vector<Bdf>& functions) {
    std::vector<DeviceNode> nodes;
    Collector collector(root, nodes);
    for (const Bdf& bdf : functions) collector.add_nodes_of(bdf);
    return nodes;
}

bool is_vfio_node(const DeviceNode& node) {
    return node.path.starts_with("/dev/vfio/");
}

bool is_framebuffer_node(const DeviceNode& node) {
    return node.path.starts_with("/dev/fb");
}

}  // namespace passthru
