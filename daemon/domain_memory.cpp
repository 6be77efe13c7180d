// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/domain_memory.hpp"

#include "daemon/whole_file.hpp"
#include "libpassthru/json_reading.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace passthru {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int memory_version = 1;

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

json to_json(const Memory& memory) {
    json devices = json::object();
    for (const auto& [bdf, it] : memory.devices) {
        devices[bdf.str()] = {
            {"vendor", it.id.vendor}, {"device", it.id.device}, {"class", it.class_code}};
    }
    return {{"version", memory_version}, {"name", memory.name}, {"devices", devices}};
}

std::optional<Memory> read_memory(const fs::path& file) {
    try {
        const json object = parse_json(read_attribute(file).value_or(""));
        Memory memory;
        memory.name = object.at("name").get<std::string>();
        for (const auto& [address, it] : object.at("devices").items()) {
            const auto bdf = parse_bdf(address);
            if (!bdf) return std::nullopt;
            memory.devices[*bdf] = {{whole_number<std::uint16_t>(it.at("vendor")),
                                     whole_number<std::uint16_t>(it.at("device"))},
                                    whole_number<ClassCode>(it.at("class"))};
        }
        // Of another version, or with numbers that were cut to fit.
        if (to_json(memory) != object) return std::nullopt;
        return memory;
    } catch (const json::exception&) {
        return std::nullopt;
    } catch (const MalformedJson&) {
        return std::nullopt;
    }
}

bool was_gpu(const Remembered& device) {
    return (device.class_code >> 8) == 0x03;
}

/// Is it beside a GPU, in a slot where one was before? A new card brings its own audio along.
bool is_on_a_card(const Bdf& bdf, const Memory& memory, const Inventory& inventory) {
    const bool before = std::ranges::any_of(memory.devices, [&](const auto& item) {
        return item.first.same_slot(bdf) && was_gpu(item.second);
    });
    return before && std::ranges::any_of(inventory.functions, [&](const auto& item) {
               return item.first.same_slot(bdf) && item.second.is_gpu();
           });
}

bool is_surprise(const Function& now, const Remembered& before, const Memory& memory,
                 const Inventory& inventory) {
    if (was_gpu(before)) return !now.is_gpu();
    if (before.class_code != now.class_code) return true;
    return before.id != now.id && !is_on_a_card(now.bdf, memory, inventory);
}

}  // namespace

Result<void> DomainMemory::check(const DomainRequest& domain, const Inventory& inventory) const {
    if (!is_uuid(domain.uuid)) return {};
    const auto memory = read_memory(file_of(domain.uuid));
    if (!memory) return {};
    for (const Bdf& bdf : domain.functions) {
        const auto before = memory->devices.find(bdf);
        const Function* now = inventory.find(bdf);
        if (before == memory->devices.end() || now == nullptr ||
            !is_surprise(*now, before->second, *memory, inventory)) {
            continue;
        }
        return fail(
            Errc::AddressChanged,
            fmt::format("{} was {} ({}) when the VM “{}” last ran and is {} ({}) now: "
                        "correct the address in the VM, or run “passthructl forget {}” if "
                        "this is meant",
                        bdf.str(), before->second.id.str(), class_name(before->second.class_code),
                        domain.name, now->id.str(), class_name(now->class_code), domain.name));
    }
    return {};
}

Result<void> DomainMemory::remember(const DomainRequest& domain, const Inventory& inventory) const {
    if (!is_uuid(domain.uuid)) return {};
    Memory memory{domain.name, {}};
    for (const Bdf& bdf : domain.functions) {
        const Function* function = inventory.find(bdf);
        if (function != nullptr) memory.devices[bdf] = {function->id, function->class_code};
    }
    const std::string text =
        to_json(memory).dump(2, ' ', false, json::error_handler_t::replace) + "\n";
    const fs::path file = file_of(domain.uuid);
    // Most starts find what they found the last time; the disk is left asleep.
    if (read_attribute(file).value_or("") + "\n" == text) return {};
    return replace_file(file, text);
}

Result<void> DomainMemory::forget(const std::string& name_or_uuid) const {
    std::error_code error;
    std::vector<fs::path> meant;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
        if (entry.path().extension() != ".json") continue;
        const auto memory = read_memory(entry.path());
        if (entry.path().stem() == name_or_uuid || (memory && memory->name == name_or_uuid)) {
            meant.push_back(entry.path());
        }
    }
    if (meant.empty()) {
        return fail(Errc::InvalidArgs, fmt::format("no VM “{:.60}” is remembered", name_or_uuid));
    }
    // A VM that was deleted may have left the memory of one of the same name.
    for (const fs::path& file : meant) {
        fs::remove(file, error);
        if (error) return fail(Errc::Failed, error.message(), error.value());
    }
    return {};
}

fs::path DomainMemory::file_of(const std::string& uuid) const {
    return folder_ / (uuid + ".json");
}

}  // namespace passthru
