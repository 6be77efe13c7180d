// SPDX-License-Identifier: LGPL-2.1-or-later
// The domains of real people.
#include "libpassthru/hostdev/domain_xml.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

namespace passthru {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

TEST(EachRealDomain, NamesExactlyItsHostdevs) {
    const fs::path folder = fs::path(PASSTHRU_MACHINES) / "domains";
    const auto expected = nlohmann::json::parse(text_of(folder / "hostdevs.json"));
    ASSERT_GT(expected.size(), 30U);
    for (const auto& [id, hostdevs] : expected.items()) {
        const auto request = parse_domain_xml(text_of(folder / (id + ".xml")));
        ASSERT_TRUE(request.has_value()) << id << ": " << request.error().message;
        std::vector<std::string> functions;
        for (const Bdf& bdf : request->functions) functions.push_back(bdf.str());
        EXPECT_EQ(functions, hostdevs.get<std::vector<std::string>>()) << id;
        EXPECT_EQ(request->name, id);
    }
}

}  // namespace
}  // namespace passthru
