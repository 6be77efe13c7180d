// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/journal.hpp"

#include "daemon/whole_file.hpp"
#include "libpassthru/json_reading.hpp"
#include "libpassthru/safety/services.hpp"

#include <fmt/format.h>

namespace passthru {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int journal_version = 1;

json owner_to_json(const Owner& owner) {
    return {{"kind", owner_kind_name(owner.kind)}, {"id", owner.id}, {"name", owner.name}};
}

Owner owner_from_json(const json& object) {
    return {owner_kind_from_name(object.at("kind").get<std::string>()),
            object.at("id").get<std::string>(), object.at("name").get<std::string>()};
}

json error_to_json(const Error& error) {
    return {{"name", errc_name(error.code)}, {"message", error.message}, {"errno", error.errnum}};
}

Error error_from_json(const json& object) {
    return {errc_from_name(object.at("name").get<std::string>()),
            object.at("message").get<std::string>(), whole_number<int>(object.at("errno"))};
}

}  // namespace

Journal::Journal(fs::path folder, std::string boot_id)
    : folder_(std::move(folder)), boot_id_(std::move(boot_id)) {}

Journal::Contents Journal::load() const {
    Contents contents;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
        const fs::path& file = entry.path();
        if (file.extension() != ".json") continue;
        const std::string text = read_attribute(file).value_or("");
        auto found = parse(text);
        if (found) {
            contents.assignments.insert(std::move(*found));
            continue;
        }
        fs::rename(file, file.string() + ".rejected", error);
        contents.complaints.push_back(
            fmt::format("{} is set aside: {}", file.string(), found.error().message));
    }
    return contents;
}

Result<std::pair<Bdf, Assignment>> Journal::parse(const std::string& text) const {
    try {
        const json object = parse_json(text);
        if (whole_number<int>(object.at("version")) != journal_version) {
            return fail(Errc::Failed, "it was written by another version of passthrud");
        }
        if (object.at("boot_id").get<std::string>() != boot_id_) {
            return fail(Errc::Failed, "it is from before the last reboot");
        }
        const auto gpu = parse_bdf(object.at("gpu").get<std::string>());
        if (!gpu) return std::unexpected(gpu.error());
        Assignment assignment;
        const auto phase = phase_from_name(object.at("phase").get<std::string>());
        auto record = record_from_json(object.at("functions"));
        if (!phase) return fail(Errc::Failed, "its phase is unknown");
        if (!record) return std::unexpected(record.error());
        assignment.phase = *phase;
        assignment.record = std::move(*record);
        assignment.owner = owner_from_json(object.at("owner"));
        if (const auto user = object.find("lent_to"); user != object.end()) {
            assignment.lent_to = whole_number<std::uint32_t>(*user);
        }
        if (!object.at("keeper").is_null())
            assignment.keeper = owner_from_json(object.at("keeper"));
        if (!object.at("trouble").is_null())
            assignment.trouble = error_from_json(object.at("trouble"));
        if (const auto services = object.find("stopped_services"); services != object.end()) {
            for (const json& it : *services) {
                auto name = it.get<std::string>();
                if (!is_service_name(name)) return fail(Errc::Failed, "it names a service wrongly");
                assignment.stopped_services.push_back(std::move(name));
            }
        }
        if (const auto worker = object.find("stuck_worker"); worker != object.end()) {
            auto process = process_from_json(*worker);
            if (!process) return std::unexpected(process.error());
            assignment.stuck_worker = *process;
        }
        const bool needs_reason = *phase == Phase::Stuck || *phase == Phase::Failed;
        if (needs_reason && !assignment.trouble) return fail(Errc::Failed, "it gives no reason");
        return std::pair(*gpu, std::move(assignment));
    } catch (const json::exception& error) {
        return fail(Errc::Failed, fmt::format("it is damaged: {}", error.what()));
    } catch (const MalformedJson& error) {
        return fail(Errc::Failed, fmt::format("it is damaged: {}", error.what()));
    }
}

Result<void> Journal::save(const Bdf& gpu, const Assignment& assignment) const {
    json object{
        {"version", journal_version},
        {"boot_id", boot_id_},
        {"gpu", gpu.str()},
        {"phase", phase_name(assignment.phase)},
        {"owner", owner_to_json(assignment.owner)},
        {"keeper", assignment.keeper ? owner_to_json(*assignment.keeper) : json(nullptr)},
        {"trouble", assignment.trouble ? error_to_json(*assignment.trouble) : json(nullptr)},
        {"functions", record_to_json(assignment.record)},
    };
    if (assignment.lent_to) object["lent_to"] = *assignment.lent_to;
    if (!assignment.stopped_services.empty()) {
        object["stopped_services"] = assignment.stopped_services;
    }
    if (assignment.stuck_worker) {
        object["stuck_worker"] = process_to_json(*assignment.stuck_worker);
    }
    const fs::path file = file_of(gpu);
    const std::string text = object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
    if (const auto written = replace_file(file, text); !written) {
        return fail(Errc::Failed,
                    fmt::format("the journal {} cannot be written: {}", file.string(),
                                written.error().message),
                    written.error().errnum);
    }
    return {};
}

void Journal::drop(const Bdf& gpu) const {
    std::error_code error;
    fs::remove(file_of(gpu), error);
}

fs::path Journal::file_of(const Bdf& gpu) const {
    return folder_ / (gpu.path_element() + ".json");
}

std::string read_boot_id(const Root& root) {
    return read_attribute(root.below("proc/sys/kernel/random/boot_id")).value_or("unknown");
}

}  // namespace passthru
