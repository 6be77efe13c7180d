// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "tests/daemon/desk.hpp"

#include <gtest/gtest.h>

namespace passthru {

/// A desk with the one card of its machine on it.
class OneCard : public testing::Test {
protected:
    void detached_by(const Owner& owner) {
        desk_.detach(owner);
        desk_.run_jobs();
        ASSERT_EQ(desk_.it.owner, owner);
        ASSERT_EQ(desk_.state(), SetState::Detached);
    }
    void expect_untouched() {
        EXPECT_EQ(desk_.it.owner, host);
        EXPECT_EQ(desk_.it.phase, Phase::Idle);
        EXPECT_FALSE(desk_.saved);
        EXPECT_EQ(difference(untouched_, kernel_.dump()), "");
    }

    const Bdf gpu_ = fakes::operator""_bdf("01:00.0", 7);
    const Bdf audio_ = fakes::operator""_bdf("01:00.1", 7);
    const fakes::FakeKernel kernel_{R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    )"};
    Desk desk_{kernel_, gpu_};
    const std::string untouched_ = kernel_.dump();
};

}  // namespace passthru
