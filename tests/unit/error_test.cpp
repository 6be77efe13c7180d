// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/error.hpp"

#include <gtest/gtest.h>
#include <set>

namespace passthru {
namespace {

TEST(EveryErrorCode, HasADBusNameOfItsOwn) {
    std::set<std::string> names;
    for (const Errc code : all_errcs) {
        const std::string name = dbus_name(code);
        EXPECT_TRUE(names.insert(name).second) << name;
        EXPECT_TRUE(name.starts_with("org.passthru1.Error.") ||
                    name.starts_with("org.freedesktop.DBus.Error."))
            << name;
        EXPECT_TRUE(name.ends_with(errc_name(code))) << name;
    }
}

TEST(EveryErrorCode, ComesBackFromItsName) {
    for (const Errc code : all_errcs) EXPECT_EQ(errc_from_name(errc_name(code)), code);
}

TEST(EveryErrorCode, IsInTheListOfAll) {
    // The list is in the order of the enumeration, so a forgotten one leaves a hole or is missing
    // at the end.
    int expected = 0;
    for (const Errc code : all_errcs) EXPECT_EQ(static_cast<int>(code), expected++);
    EXPECT_EQ(static_cast<int>(Errc::NotOwner) + 1, expected);
}

TEST(AnErrorNameOfALaterVersion, IsAFailure) {
    EXPECT_EQ(errc_from_name("OnFire"), Errc::Failed);
}

}  // namespace
}  // namespace passthru
