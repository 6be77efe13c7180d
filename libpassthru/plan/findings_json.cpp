// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/findings_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace passthru {
namespace {

using nlohmann::json;

constexpr CriticalKind critical_kinds[] = {CriticalKind::Storage, CriticalKind::Network,
                                           CriticalKind::Input, CriticalKind::Board};
constexpr HolderKind holder_kinds[] = {HolderKind::Process,           HolderKind::Session,
                                       HolderKind::PersistenceDaemon, HolderKind::Guest,
                                       HolderKind::Console,           HolderKind::Framebuffer};

Bdf read_function(const json& object) {
    const auto bdf = parse_bdf(object.at("function").get<std::string>());
    if (!bdf) throw std::invalid_argument(bdf.error().message);
    return *bdf;
}

template <typename Kind, std::size_t N>
Kind read_kind(const json& object, const Kind (&kinds)[N]) {
    return kinds[std::min<std::size_t>(object.at("kind").get<std::uint8_t>(), N - 1)];
}

template <typename Read>
auto guarded(Read read) -> Result<decltype(read())> {
    try {
        return read();
    } catch (const std::exception& error) {
        return fail(Errc::InvalidArgs, fmt::format("malformed message: {}", error.what()));
    }
}

std::string to_text(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string inspection_to_text(const InspectionRequest& request) {
    json list = json::array();
    for (const Bdf& bdf : request.functions) list.push_back({{"function", bdf.str()}});
    return to_text({{"inspect", list}});
}

std::optional<Result<InspectionRequest>> inspection_from_text(std::string_view text) {
    const json object = json::parse(text, nullptr, false);
    if (!object.is_object() || !object.contains("inspect")) return std::nullopt;
    return guarded([&] {
        InspectionRequest request;
        for (const json& it : object.at("inspect")) request.functions.push_back(read_function(it));
        return request;
    });
}

std::string findings_to_text(const Findings& findings) {
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
    return to_text({{"unanswering", unanswering}, {"critical", critical}, {"holders", holders}});
}

Result<Findings> findings_from_text(std::string_view text) {
    return guarded([&] {
        const json object = json::parse(text);
        Findings findings;
        for (const json& it : object.at("unanswering")) {
            findings.unanswering.push_back(
                {read_function(it),
                 Error{errc_from_name(it.at("error").get<std::string>()),
                       it.at("message").get<std::string>(), it.at("errno").get<int>()}});
        }
        for (const json& it : object.at("critical")) {
            findings.critical.push_back({read_function(it), read_kind(it, critical_kinds),
                                         it.at("what").get<std::string>(),
                                         it.at("remedy").get<std::string>()});
        }
        for (const json& it : object.at("holders")) {
            Holder holder;
            holder.pid = it.at("pid").get<pid_t>();
            holder.uid = it.at("uid").get<uid_t>();
            holder.command = it.at("command").get<std::string>();
            holder.node = it.at("node").get<std::string>();
            holder.function = read_function(it);
            holder.kind = read_kind(it, holder_kinds);
            holder.unit = it.at("unit").get<std::string>();
            holder.session = it.at("session").get<std::string>();
            findings.holders.push_back(std::move(holder));
        }
        return findings;
    });
}

}  // namespace passthru
