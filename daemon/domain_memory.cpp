// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/domain_memory.hpp"

#include "daemon/whole_file.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

namespace passthru {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int version = 1;

/// A domain's UUID becomes a file's name.
bool is_uuid(const std::string& text) {
    return text.size() == 36 && std::ranges::all_of(text, [](char c) {
               return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

struct Remembered {
    PciId id;
    ClassCode class_code = 0;
};

struct Memory {
    std::string name;
    std::map<Bdf, Remembered> devices;
};

std::optional<Memory> read_memory(const fs::path& file) {
    const json object = json::parse(read_attribute(file).value_or(""), nullptr, false);
    try {
        if (object.at("version").get<int>() != version) return std::nullopt;
        Memory memory;
        memory.name = object.at("name").get<std::string>();
        for (const auto& [address, it] : object.at("devices").items()) {
            const auto bdf = parse_bdf(address);
            if (!bdf) return std::nullopt;
            memory.devices[*bdf] = {
                {it.at("vendor").get<std::uint16_t>(), it.at("device").get<std::uint16_t>()},
                it.at("class").get<ClassCode>()};
        }
        return memory;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

bool same_kind(const Remembered& before, const Function& now) {
    const bool was_gpu = (before.class_code >> 8) == 0x03;
    return was_gpu ? now.is_gpu() : before.id == now.id && before.class_code == now.class_code;
}

}  // namespace

Result<void> DomainMemory::check(const DomainRequest& domain, const Inventory& inventory) const {
    if (!is_uuid(domain.uuid)) return {};
    const auto memory = read_memory(file_of(domain.uuid));
    if (!memory) return {};
    for (const Bdf& bdf : domain.functions) {
        const auto before = memory->devices.find(bdf);
        const Function* now = inventory.find(bdf);
        if (before == memory->devices.end() || now == nullptr || same_kind(before->second, *now)) {
            continue;
        }
        return fail(
            Errc::AddressChanged,
            fmt::format("{} was [{}], {}, when the VM “{}” last ran and is [{}], {}, now: "
                        "correct the address in the VM, or run “passthructl forget {}” if "
                        "this is meant",
                        bdf.str(), before->second.id.str(), class_name(before->second.class_code),
                        domain.name, now->id.str(), class_name(now->class_code), domain.name));
    }
    return {};
}

Result<void> DomainMemory::remember(const DomainRequest& domain, const Inventory& inventory) const {
    if (!is_uuid(domain.uuid)) return {};
    json devices = json::object();
    for (const Bdf& bdf : domain.functions) {
        const Function* function = inventory.find(bdf);
        if (function == nullptr) continue;
        devices[bdf.str()] = {{"vendor", function->id.vendor},
                              {"device", function->id.device},
                              {"class", function->class_code}};
    }
    const json object{{"version", version}, {"name", domain.name}, {"devices", devices}};
    const std::string text = object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
    const fs::path file = file_of(domain.uuid);
    // Most starts find what they found the last time; the disk is left asleep.
    if (read_attribute(file).value_or("") + "\n" == text) return {};
    return replace_file(file, text);
}

Result<void> DomainMemory::forget(const std::string& name_or_uuid) const {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
        if (entry.path().extension() != ".json") continue;
        const auto memory = read_memory(entry.path());
        const bool meant =
            entry.path().stem() == name_or_uuid || (memory && memory->name == name_or_uuid);
        if (!meant) continue;
        if (fs::remove(entry.path(), error)) return {};
        return fail(Errc::Failed, error.message(), error.value());
    }
    return fail(Errc::InvalidArgs, fmt::format("no VM “{:.60}” is remembered", name_or_uuid));
}

fs::path DomainMemory::file_of(const std::string& uuid) const {
    return folder_ / (uuid + ".json");
}

}  // namespace passthru
