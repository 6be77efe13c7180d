// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/pci/bdf.hpp"

#include <gtest/gtest.h>
#include <set>

namespace passthru {
namespace {

TEST(AnAddress, IsReadAndWrittenAsTheKernelSpellsIt) {
    const auto bdf = parse_bdf("0000:c3:1f.7");
    ASSERT_TRUE(bdf.has_value());
    EXPECT_EQ(*bdf, (Bdf{0, 0xc3, 0x1f, 7}));
    EXPECT_EQ(bdf->str(), "0000:c3:1f.7");
}

TEST(AnAddress, IsReadInUpperCase) {
    EXPECT_EQ(parse_bdf("000A:0B:00.0").value(), (Bdf{10, 11, 0, 0}));
}

TEST(AnAddress, MayHaveADomainOfFiveDigits) {
    const auto bdf = parse_bdf("10000:e1:00.0");
    ASSERT_TRUE(bdf.has_value());
    EXPECT_EQ(bdf->domain, 0x10000U);
    EXPECT_EQ(bdf->str(), "10000:e1:00.0");
    EXPECT_EQ(bdf->path_element(), "10000_e1_00_0");
}

TEST(AnAddress, MayHaveADomainOfEightDigits) {
    EXPECT_EQ(parse_bdf("ffffffff:00:00.0").value().domain, 0xffffffffU);
}

TEST(AnAddress, SortsByDomainAsANumber) {
    const std::set<Bdf> sorted = {
        parse_bdf("10000:00:04.0").value(), parse_bdf("0000:02:00.0").value(),
        parse_bdf("0000:01:00.1").value(), parse_bdf("000a:01:00.0").value()};
    std::string order;
    for (const Bdf& bdf : sorted) order += bdf.str() + " ";
    EXPECT_EQ(order, "0000:01:00.1 0000:02:00.0 000a:01:00.0 10000:00:04.0 ");
}

TEST(AnAddress, SharesItsSlotWithTheOtherFunctionsOfItsCardOnly) {
    const Bdf gpu{0, 1, 0, 0};
    EXPECT_TRUE(gpu.same_slot({0, 1, 0, 1}));
    EXPECT_FALSE(gpu.same_slot({0, 1, 1, 0}));
    EXPECT_FALSE(gpu.same_slot({0, 2, 0, 0}));
    EXPECT_FALSE(gpu.same_slot({1, 1, 0, 0}));
}

TEST(AShortAddress, MeansDomainZero) {
    EXPECT_EQ(parse_bdf_or_short("01:00.1").value(), (Bdf{0, 1, 0, 1}));
    EXPECT_EQ(parse_bdf_or_short("000a:01:00.1").value(), (Bdf{10, 1, 0, 1}));
    EXPECT_FALSE(parse_bdf("01:00.1").has_value());
}

class WhatIsNoAddress : public testing::TestWithParam<const char*> {};

TEST_P(WhatIsNoAddress, IsRefusedAsInvalid) {
    const auto bdf = parse_bdf_or_short(GetParam());
    ASSERT_FALSE(bdf.has_value()) << bdf->str();
    EXPECT_EQ(bdf.error().code, Errc::InvalidArgs);
}

INSTANTIATE_TEST_SUITE_P(, WhatIsNoAddress,
                         testing::Values("", "x", "0000:01:00", "0000:01:00.8", "0000:01:20.0",
                                         "0000:01:00.0 ", " 0000:01:00.0", "0000:01:00.0\n",
                                         "0x00:01:00.0", "0000-01:00.0", "0000:01-00.0",
                                         "0000:01:00:0", "000:01:00.0", "100000000:01:00.0",
                                         "+000:01:00.0", "0000:-1:00.0", "../../../../etc",
                                         "0000:0g:00.0", "00000000:", ":::::::.:"));

}  // namespace
}  // namespace passthru
