// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/udev/hwdb.hpp"

#include <gtest/gtest.h>

namespace passthru {
namespace {

TEST(ADeviceThatNobodyKnows, HasNoNames) {
    EXPECT_EQ(lookup_names("pci:v0000FFFEd0000FFFEsv00000000sd00000000bc03sc00i00"), DeviceNames{});
    EXPECT_EQ(lookup_names(""), DeviceNames{});
    EXPECT_EQ(lookup_names("pci:*"), DeviceNames{});
}

}  // namespace
}  // namespace passthru
