// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/machine.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/ranges.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace passthru {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<Bdf> addresses(const json& verdict, const char* key) {
    std::vector<Bdf> result;
    for (const json& address : verdict.value(key, json::array())) {
        result.push_back(parse_bdf(address.get<std::string>()).value());
    }
    return result;
}

}  // namespace

std::vector<std::string> machine_ids() {
    std::vector<std::string> ids;
    for (const auto& entry : fs::directory_iterator(PASSTHRU_MACHINES)) {
        if (entry.path().extension() == ".json") ids.push_back(entry.path().stem().string());
    }
    std::ranges::sort(ids);
    return ids;
}

Machine load_machine(const std::string& id) {
    std::ifstream file(fs::path(PASSTHRU_MACHINES) / (id + ".json"));
    const json picture = json::parse(file);
    Machine machine;
    machine.id = id;
    machine.world = fakes::parse_world(
        fmt::format("{}", fmt::join(picture.at("world").get<std::vector<std::string>>(), "\n")));
    for (const json& it : picture.at("verdicts")) {
        machine.verdicts.push_back({it.at("subject"), it.at("verdict"), it.at("reason"),
                                    addresses(it, "companions"), addresses(it, "conflicts"),
                                    addresses(it, "ignore")});
    }
    return machine;
}

Inventory sketch(const fakes::World& world) {
    Inventory inventory;
    for (const fakes::FakeFunction& drawn : world) {
        Function function;
        function.bdf = drawn.bdf;
        function.id = drawn.id;
        function.class_code = static_cast<ClassCode>(drawn.class_code >> 8);
        function.iommu_group = drawn.group;
        inventory.functions.emplace(drawn.bdf, function);
    }
    return inventory;
}

}  // namespace passthru
