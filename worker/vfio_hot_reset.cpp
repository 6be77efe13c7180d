// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/vfio_hot_reset.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/vfio.h>
#include <map>
#include <sys/ioctl.h>
#include <unistd.h>

namespace passthru {
namespace {

/// Descriptors that are closed together: to close the last one of a function also lets go of it.
class Descriptors {
public:
    Descriptors() = default;
    Descriptors(const Descriptors&) = delete;
    Descriptors& operator=(const Descriptors&) = delete;
    ~Descriptors() {
        for (const int fd : all_) ::close(fd);
    }
    /// The descriptor, or -1.
    int keep(int fd) {
        if (fd >= 0) all_.push_back(fd);
        return fd;
    }

private:
    std::vector<int> all_;
};

}  // namespace

int vfio_hot_reset(const Root& root, const std::vector<Bdf>& functions) {
    Descriptors open;
    const int container =
        open.keep(::open(root.below("dev/vfio/vfio").c_str(), O_RDWR | O_CLOEXEC));
    if (container < 0) return errno;
    std::map<std::string, int> groups;
    for (const Bdf& bdf : functions) {
        const auto folder = root.below("sys/bus/pci/devices") / bdf.str();
        const auto group = read_link_name(folder / "iommu_group");
        if (!group) return ENODEV;
        if (groups.contains(*group)) continue;
        const int fd =
            open.keep(::open((root.below("dev/vfio") / *group).c_str(), O_RDWR | O_CLOEXEC));
        if (fd < 0) return errno;
        if (::ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container) != 0) return errno;
        groups.emplace(*group, fd);
    }
    if (groups.empty()) return ENODEV;
    // A container without a kind of IOMMU gives no device.
    if (::ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) != 0) return errno;
    const auto first =
        read_link_name(root.below("sys/bus/pci/devices") / functions.front().str() / "iommu_group");
    const int device = open.keep(
        ::ioctl(groups.at(*first), VFIO_GROUP_GET_DEVICE_FD, functions.front().str().c_str()));
    if (device < 0) return errno;

    std::vector<std::int32_t> words;
    for (const auto& [name, fd] : groups) words.push_back(fd);
    vfio_pci_hot_reset head{};
    const std::size_t size = sizeof head + words.size() * sizeof(std::int32_t);
    head.argsz = static_cast<std::uint32_t>(size);
    head.count = static_cast<std::uint32_t>(words.size());
    std::vector<char> argument(size);
    std::memcpy(argument.data(), &head, sizeof head);
    std::memcpy(argument.data() + sizeof head, words.data(), words.size() * sizeof(std::int32_t));
    return ::ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, argument.data()) == 0 ? 0 : errno;
}

}  // namespace passthru
