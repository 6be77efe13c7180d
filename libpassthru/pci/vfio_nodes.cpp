// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/vfio_nodes.hpp"

#include <algorithm>

namespace passthru {

std::vector<std::string> vfio_nodes(const Root& root, const std::vector<Bdf>& functions) {
    namespace fs = std::filesystem;
    std::vector<std::string> nodes;
    std::error_code error;
    const auto add = [&](std::string node) {
        if (std::ranges::find(nodes, node) != nodes.end()) return;
        if (fs::exists(root.below(node.substr(1)), error)) nodes.push_back(std::move(node));
    };
    for (const Bdf& bdf : functions) {
        const fs::path folder = root.below("sys/bus/pci/devices") / bdf.str();
        if (!is_stub_driver(read_link_name(folder / "driver").value_or(""))) continue;
        if (const auto group = read_link_name(folder / "iommu_group")) add("/dev/vfio/" + *group);
        for (const auto& entry : fs::directory_iterator(folder / "vfio-dev", error)) {
            add("/dev/vfio/devices/" + entry.path().filename().string());
        }
    }
    return nodes;
}

}  // namespace passthru
