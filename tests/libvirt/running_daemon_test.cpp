// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/libvirt/running_daemon.hpp"

#include "tests/libvirt/private_libvirtd.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace passthru::libvirt_test {
namespace {

class ALibvirtDaemon : public testing::Test {
protected:
    TemporaryFolder folder;
    Root root{folder.path()};
    std::filesystem::path run = folder.path() / "run";
};

TEST_F(ALibvirtDaemon, DoesNotRunWhereThereIsNoPidFile) {
    EXPECT_EQ(running_libvirt_daemon(root), std::nullopt);
}

TEST_F(ALibvirtDaemon, DoesNotRunWhereACrashLeftItsPidFile) {
    std::ofstream(run / "libvirtd.pid") << "1\n";
    EXPECT_EQ(running_libvirt_daemon(root), std::nullopt);
}

TEST_F(ALibvirtDaemon, RunsWhileItHoldsTheLock) {
    for (const char* const name : {"libvirtd.pid", "virtqemud.pid"}) {
        {
            const LockHolder daemon(run / name);
            EXPECT_EQ(running_libvirt_daemon(root), daemon.pid());
        }
        EXPECT_EQ(running_libvirt_daemon(root), std::nullopt);
    }
}

TEST_F(ALibvirtDaemon, OfAnotherKindDoesNotCount) {
    const LockHolder daemon(run / "virtnetworkd.pid");
    EXPECT_EQ(running_libvirt_daemon(root), std::nullopt);
}

}  // namespace
}  // namespace passthru::libvirt_test
