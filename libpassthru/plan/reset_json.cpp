// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/reset_json.hpp"

#include "libpassthru/json_reading.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

using nlohmann::json;

constexpr std::pair<ResetMeans, std::string_view> means_names[] = {
    {ResetMeans::Attribute, "attribute"},
    {ResetMeans::VfioHotReset, "vfio-hot-reset"},
    {ResetMeans::Subordinate, "subordinate"},
    {ResetMeans::RemoveRescan, "remove-rescan"},
    {ResetMeans::SleepInRam, "sleep-in-ram"},
    {ResetMeans::RemoveSleepRescan, "remove-sleep-rescan"},
};

std::string_view means_name(ResetMeans means) {
    return std::ranges::find(means_names, means, &std::pair<ResetMeans, std::string_view>::first)
        ->second;
}

ResetMeans read_means(const std::string& name) {
    for (const auto& [means, its_name] : means_names) {
        if (its_name == name) return means;
    }
    throw MalformedJson(fmt::format("“{:.40}” is no means of a reset", name));
}

/// It is written to `reset_method`.
std::string read_method(const json& value) {
    auto name = value.get<std::string>();
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    if (name.empty() || name.size() > 32 || !std::ranges::all_of(name, plain)) {
        throw MalformedJson(fmt::format("“{:.40}” is no reset method", name));
    }
    return name;
}

ResetAttempt read_attempt(const json& object) {
    ResetAttempt attempt;
    attempt.method = read_method(object.at("method"));
    attempt.means = read_means(object.at("means").get<std::string>());
    attempt.functions = bdfs_from_json(object.at("functions"));
    if (!object.at("bridge").is_null()) attempt.bridge = bdf_from_json(object.at("bridge"));
    if (attempt.functions.empty()) throw MalformedJson("a reset of nothing");
    return attempt;
}

}  // namespace

json reset_chain_to_json(const ResetChain& chain) {
    json attempts = json::array();
    for (const ResetAttempt& it : chain.attempts) {
        attempts.push_back({{"method", it.method},
                            {"means", means_name(it.means)},
                            {"functions", bdfs_to_json(it.functions)},
                            {"bridge", it.bridge ? json(it.bridge->str()) : json(nullptr)}});
    }
    return {{"functions", bdfs_to_json(chain.functions)},
            {"attempts", attempts},
            {"wait-ms", chain.wait.count()}};
}

ResetChain reset_chain_from_json(const json& object) {
    constexpr std::chrono::milliseconds longest{60'000};
    ResetChain chain;
    chain.functions = bdfs_from_json(object.at("functions"));
    for (const json& attempt : object.at("attempts")) {
        chain.attempts.push_back(read_attempt(attempt));
    }
    chain.wait = std::min(
        std::chrono::milliseconds(whole_number<std::uint32_t>(object.at("wait-ms"))), longest);
    return chain;
}

json reset_trial_to_json(const ResetTrial& trial) {
    return {{"method", trial.method},          {"at", trial.at},
            {"took-usec", trial.took.count()}, {"end", trial_end_name(trial.end)},
            {"message", trial.message},        {"function", trial.function.str()}};
}

ResetTrial reset_trial_from_json(const json& object) {
    const auto end = trial_end_from_name(object.at("end").get<std::string>());
    if (!end) throw MalformedJson("a reset ended in an unknown way");
    return {read_method(object.at("method")),
            whole_number<std::uint64_t>(object.at("at")),
            std::chrono::microseconds(whole_number<std::int64_t>(object.at("took-usec"))),
            *end,
            object.at("message").get<std::string>(),
            bdf_from_json(object.at("function"))};
}

}  // namespace passthru
