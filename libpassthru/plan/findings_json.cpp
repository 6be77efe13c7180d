// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/findings_json.hpp"

#include "libpassthru/json_reading.hpp"
#include "libpassthru/plan/plan_json.hpp"

#include <fmt/format.h>

namespace passthru {
namespace {

using nlohmann::json;

constexpr CriticalKind critical_kinds[] = {CriticalKind::Storage, CriticalKind::Network,
                                           CriticalKind::Input, CriticalKind::Board};
constexpr HolderKind holder_kinds[] = {HolderKind::Process,           HolderKind::Session,
                                       HolderKind::PersistenceDaemon, HolderKind::Guest,
                                       HolderKind::Console,           HolderKind::Framebuffer};

Bdf read_function(const json& object) {
    return bdf_from_json(object.at("function"));
}

template <typename Kind, std::size_t N>
Kind read_kind(const json& object, const Kind (&kinds)[N]) {
    const auto number = whole_number<std::size_t>(object.at("kind"));
    if (number >= N) throw std::invalid_argument(fmt::format("there is no kind {}", number));
    return kinds[number];
}

template <typename Read>
auto guarded(Read read) -> Result<decltype(read())> {
    try {
        return read();
    } catch (const std::exception& error) {
        return fail(Errc::InvalidArgs, fmt::format("malformed message: {:.200}", error.what()));
    }
}

std::string to_text(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json to_json(const std::vector<Bdf>& functions) {
    json list = json::array();
    for (const Bdf& bdf : functions) list.push_back({{"function", bdf.str()}});
    return list;
}

std::vector<Bdf> read_functions(const json& list) {
    std::vector<Bdf> functions;
    for (const json& it : list) functions.push_back(read_function(it));
    return functions;
}

json to_json(const InspectionRequest& request) {
    return {{"inspect", to_json(request.functions)}};
}

json to_json(const OverrideMap& overrides) {
    json list = json::array();
    for (const auto& [bdf, driver] : overrides) {
        list.push_back(
            {{"function", bdf.str()}, {"driver", driver ? json(*driver) : json(nullptr)}});
    }
    return {{"overrides", list}};
}

json to_json(const Findings& findings) {
    json unanswering = json::array();
    for (const Unanswering& it : findings.unanswering) {
        unanswering.push_back({{"function", it.function.str()},
                               {"error", errc_name(it.error.code)},
                               {"message", it.error.message},
                               {"errno", it.error.errnum}});
    }
    json critical = json::array();
    for (const CriticalUse& it : findings.critical) {
        critical.push_back({{"function", it.function.str()},
                            {"kind", static_cast<int>(it.kind)},
                            {"what", it.what},
                            {"remedy", it.remedy}});
    }
    json holders = json::array();
    for (const Holder& it : findings.holders) {
        holders.push_back({{"function", it.function.str()},
                           {"kind", static_cast<int>(it.kind)},
                           {"pid", it.pid},
                           {"uid", it.uid},
                           {"command", it.command},
                           {"node", it.node},
                           {"unit", it.unit},
                           {"session", it.session}});
    }
    return {{"unanswering", unanswering}, {"critical", critical}, {"holders", holders}};
}

}  // namespace

std::string inspection_to_text(const InspectionRequest& request) {
    return to_text(to_json(request));
}

std::optional<Result<InspectionRequest>> inspection_from_text(std::string_view text) {
    if (!text.starts_with(R"({"inspect")")) return std::nullopt;
    return guarded([&] {
        const json object = parse_json(text);
        const InspectionRequest request{read_functions(object.at("inspect"))};
        expect_same(object, to_json(request));
        return request;
    });
}

std::string findings_to_text(const Findings& findings) {
    std::string text = to_text(to_json(findings));
    if (text.size() <= max_message) return text;
    Findings fewer = findings;
    fewer.holders.resize(fewer.holders.size() * 3 / 4);
    fewer.critical.resize(fewer.critical.size() * 3 / 4);
    fewer.unanswering.resize(fewer.unanswering.size() * 3 / 4);
    return findings_to_text(fewer);
}

std::string override_request_to_text(const std::vector<Bdf>& functions) {
    return to_text({{"overrides-of", to_json(functions)}});
}

std::optional<Result<std::vector<Bdf>>> override_request_from_text(std::string_view text) {
    if (!text.starts_with(R"({"overrides-of")")) return std::nullopt;
    return guarded([&] {
        const json object = parse_json(text);
        std::vector<Bdf> functions = read_functions(object.at("overrides-of"));
        expect_same(object, {{"overrides-of", to_json(functions)}});
        return functions;
    });
}

std::string overrides_to_text(const OverrideMap& overrides) {
    return to_text(to_json(overrides));
}

Result<OverrideMap> overrides_from_text(std::string_view text) {
    return guarded([&] {
        const json object = parse_json(text);
        OverrideMap overrides;
        for (const json& it : object.at("overrides")) {
            const json& driver = it.at("driver");
            overrides[read_function(it)] =
                driver.is_null() ? std::nullopt : std::optional(driver.get<std::string>());
        }
        expect_same(object, to_json(overrides));
        return overrides;
    });
}

std::string wait_request_to_text(pid_t pid) {
    return to_text({{"where", pid}});
}

std::optional<pid_t> wait_request_from_text(std::string_view text) {
    if (!text.starts_with(R"({"where")")) return std::nullopt;
    const auto pid = guarded([&] { return whole_number<pid_t>(parse_json(text).at("where")); });
    return pid && *pid > 0 ? std::optional(*pid) : std::nullopt;
}

std::string wait_place_to_text(const std::string& place) {
    return to_text({{"place", place}});
}

Result<std::string> wait_place_from_text(std::string_view text) {
    return guarded([&] { return parse_json(text).at("place").get<std::string>(); });
}

std::string rom_request_to_text(const Bdf& bdf) {
    return to_text({{"rom-of", {{"function", bdf.str()}}}});
}

std::optional<Result<Bdf>> rom_request_from_text(std::string_view text) {
    if (!text.starts_with(R"({"rom-of")")) return std::nullopt;
    return guarded([&] {
        const json object = parse_json(text);
        const Bdf bdf = read_function(object.at("rom-of"));
        expect_same(object, {{"rom-of", {{"function", bdf.str()}}}});
        return bdf;
    });
}

Result<Findings> findings_from_text(std::string_view text) {
    return guarded([&] {
        const json object = parse_json(text);
        Findings findings;
        for (const json& it : object.at("unanswering")) {
            findings.unanswering.push_back(
                {read_function(it),
                 Error{errc_from_name(it.at("error").get<std::string>()),
                       it.at("message").get<std::string>(), whole_number<int>(it.at("errno"))}});
        }
        for (const json& it : object.at("critical")) {
            findings.critical.push_back({read_function(it), read_kind(it, critical_kinds),
                                         it.at("what").get<std::string>(),
                                         it.at("remedy").get<std::string>()});
        }
        for (const json& it : object.at("holders")) {
            Holder holder;
            holder.pid = whole_number<pid_t>(it.at("pid"));
            holder.uid = whole_number<uid_t>(it.at("uid"));
            holder.command = it.at("command").get<std::string>();
            holder.node = it.at("node").get<std::string>();
            holder.function = read_function(it);
            holder.kind = read_kind(it, holder_kinds);
            holder.unit = it.at("unit").get<std::string>();
            holder.session = it.at("session").get<std::string>();
            findings.holders.push_back(std::move(holder));
        }
        expect_same(object, to_json(findings));
        return findings;
    });
}

}  // namespace passthru
