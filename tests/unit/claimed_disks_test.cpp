// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/critical_uses.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/blkpg.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <tuple>
#include <unistd.h>

namespace passthru {
namespace {

using fakes::HostTree;
using fakes::operator""_bdf;
using testing::IsEmpty;

const Bdf sata = "00:17.0"_bdf;

/// A loop device over 8 MiB of memory, there until the end of the test.
class LoopDevice {
public:
    LoopDevice() {
        const int memory = ::memfd_create("claimed-disks", MFD_CLOEXEC);
        const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
        // Somebody else may take the free number first.
        for (int attempt = 0; attempt < 10 && fd_ < 0; ++attempt) {
            number_ = ::ioctl(control, LOOP_CTL_GET_FREE);
            const int fd = ::open(node().c_str(), O_RDWR | O_CLOEXEC);
            if (::ftruncate(memory, 8L << 20) == 0 && ::ioctl(fd, LOOP_SET_FD, memory) == 0) {
                fd_ = fd;
            } else if (fd >= 0) {
                ::close(fd);
            }
        }
        if (control >= 0) ::close(control);
        ::close(memory);
    }
    ~LoopDevice() {
        if (fd_ < 0) return;
        std::ignore = change_partition(BLKPG_DEL_PARTITION);
        ::ioctl(fd_, LOOP_CLR_FD, 0);
        ::close(fd_);
    }
    LoopDevice(const LoopDevice&) = delete;
    LoopDevice& operator=(const LoopDevice&) = delete;

    /// Makes a partition and gives its number; empty when the kernel would not.
    [[nodiscard]] std::string add_partition() const {
        struct stat status{};
        if (change_partition(BLKPG_ADD_PARTITION) != 0) return "";
        if (::stat((node() + "p1").c_str(), &status) != 0) return "";
        return fmt::format("{}:{}", major(status.st_rdev), minor(status.st_rdev));
    }

    [[nodiscard]] bool works() const { return fd_ >= 0; }
    [[nodiscard]] std::string name() const { return "loop" + std::to_string(number_); }
    [[nodiscard]] std::string node() const { return "/dev/" + name(); }
    [[nodiscard]] std::string number() const { return "7:" + std::to_string(number_); }

private:
    [[nodiscard]] int change_partition(int operation) const {
        blkpg_partition partition{};
        partition.start = 1L << 20;
        partition.length = 4L << 20;
        partition.pno = 1;
        blkpg_ioctl_arg argument{operation, 0, sizeof partition, &partition};
        return ::ioctl(fd_, BLKPG, &argument);
    }

    int number_ = -1;
    int fd_ = -1;
};

TEST(ADiskBeforeItsUnbind, IsClaimedWhileTheKernelSaysSo) {
    const LoopDevice loop;
    if (!loop.works()) GTEST_SKIP() << "wants root and a loop device";
    const HostTree host("00:17.0 0106 8086:7ae2",
                        fmt::format("disk {} {} at 00:17.0/block\nlink {} {}", loop.name(),
                                    loop.number(), loop.name(), loop.node()));
    EXPECT_THAT(find_claimed_disks(host.root(), {sata}), IsEmpty());
    const int claim = ::open(loop.node().c_str(), O_RDONLY | O_EXCL | O_CLOEXEC);
    ASSERT_GE(claim, 0) << std::strerror(errno);
    const auto uses = find_claimed_disks(host.root(), {sata});
    ::close(claim);
    ASSERT_EQ(uses.size(), 1U);
    EXPECT_EQ(uses[0].function, sata);
    EXPECT_EQ(uses[0].kind, CriticalKind::Storage);
    EXPECT_EQ(uses[0].what, fmt::format("holds {}, which the kernel says is in use", loop.node()));
    EXPECT_THAT(find_claimed_disks(host.root(), {sata}), IsEmpty());
}

TEST(ADiskBeforeItsUnbind, IsNotNamedBesideItsClaimedPartition) {
    const LoopDevice loop;
    if (!loop.works()) GTEST_SKIP() << "wants root and a loop device";
    const std::string part = loop.name() + "p1";
    const std::string part_number = loop.add_partition();
    const HostTree host("00:17.0 0106 8086:7ae2",
                        fmt::format("disk {0} {1} at 00:17.0/block\npart {2} {3} of {0}\n"
                                    "link {0} /dev/{0}\nlink {2} /dev/{2}",
                                    loop.name(), loop.number(), part, part_number));
    const int claim = ::open(("/dev/" + part).c_str(), O_RDONLY | O_EXCL | O_CLOEXEC);
    ASSERT_GE(claim, 0) << std::strerror(errno);
    const auto uses = find_claimed_disks(host.root(), {sata});
    ::close(claim);
    ASSERT_EQ(uses.size(), 1U);
    EXPECT_EQ(uses[0].what, fmt::format("holds /dev/{}, which the kernel says is in use", part));
}

TEST(ADiskBeforeItsUnbind, IsNotAskedAboutThroughANodeOfAnotherNumber) {
    const LoopDevice loop;
    if (!loop.works()) GTEST_SKIP() << "wants root and a loop device";
    const HostTree host("00:17.0 0106 8086:7ae2",
                        fmt::format("disk sda 8:0 at 00:17.0/block\nlink sda {}", loop.node()));
    const int claim = ::open(loop.node().c_str(), O_RDONLY | O_EXCL | O_CLOEXEC);
    ASSERT_GE(claim, 0) << std::strerror(errno);
    EXPECT_THAT(find_claimed_disks(host.root(), {sata}), IsEmpty());
    ::close(claim);
}

TEST(ADiskBeforeItsUnbind, IsNotClaimedWithoutANodeOrWithSomethingElseInItsPlace) {
    const HostTree host("00:17.0 0106 8086:7ae2", R"(
        disk sda 8:0 at 00:17.0/block
        disk sdb 8:16 at 00:17.0/block
        node sdb
    )");
    EXPECT_THAT(find_claimed_disks(host.root(), {sata}), IsEmpty());
    EXPECT_THAT(find_claimed_disks(Root("/nonexistent"), {sata}), IsEmpty());
}

}  // namespace
}  // namespace passthru
