// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/udev/pci_monitor.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <umockdev.h>

namespace passthru {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// A machine without a kernel: umockdev plays sysfs and udev's messages.
class PciDevices : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(umockdev_in_mock_environment()) << "to be run by umockdev-wrapper";
        umockdev_testbed_add_from_string(bed, R"(P: /devices/pci0000:00/0000:01:00.0
E: SUBSYSTEM=pci
E: PCI_SLOT_NAME=0000:01:00.0

P: /devices/virtual/net/veth0
E: SUBSYSTEM=net
E: INTERFACE=veth0

)",
                                         nullptr);
        auto opened = PciMonitor::open(loop, [this] { ++changes; });
        ASSERT_TRUE(opened.has_value()) << opened.error().message;
        monitor = std::move(*opened);
    }
    void TearDown() override { g_object_unref(bed); }

    void event(const char* device, const char* action) {
        umockdev_testbed_uevent(bed, device, action);
    }
    void wait_until(int number, steady_clock::duration longest = 10s) {
        const auto end = steady_clock::now() + longest;
        while (changes < number && steady_clock::now() < end) sd_event_run(loop.handle(), 20'000);
    }

    UMockdevTestbed* bed = umockdev_testbed_new();
    EventLoop loop;
    std::unique_ptr<PciMonitor> monitor;
    int changes = 0;

    const char* gpu = "/sys/devices/pci0000:00/0000:01:00.0";
    const char* network = "/sys/devices/virtual/net/veth0";
};

TEST_F(PciDevices, AreNoticedWhenTheyChange) {
    for (const char* const action : {"unbind", "bind", "remove", "add"}) {
        const int before = changes;
        event(gpu, action);
        wait_until(before + 1);
        EXPECT_EQ(changes, before + 1) << action;
    }
}

TEST_F(PciDevices, ThatChangeManyTimesAtOnceAreToldOfOnce) {
    for (int number = 0; number < 5; ++number) event(gpu, "change");
    wait_until(1);
    wait_until(2, 200ms);
    EXPECT_EQ(changes, 1);
}

TEST_F(PciDevices, AreAllThatCounts) {
    event(network, "add");
    wait_until(1, 300ms);
    EXPECT_EQ(changes, 0);
}

}  // namespace
}  // namespace passthru
