// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/authority.hpp"

#include <chrono>
#include <fmt/format.h>
#include <pwd.h>

namespace passthru {
namespace {

/// A prompt waits for a person.
constexpr std::chrono::minutes prompt_limit{10};

/// Each waits for a person, and a user can have many connections.
constexpr int most_questions_of_a_user = 16;

/// Each is owed an answer for minutes.
constexpr int most_calls_of_a_user = 16;

constexpr std::uint32_t allow_user_interaction = 1;

Owner administrator(std::uint32_t uid) {
    char buffer[4096];
    passwd entry{};
    passwd* found = nullptr;
    const bool known =
        ::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr;
    return {OwnerKind::Administrator, std::to_string(uid),
            known ? std::string(found->pw_name) : std::to_string(uid)};
}

/// What the rule that is shipped lets members of group libvirt do (polkit/50-passthrud.rules).
std::string_view group_may(std::string_view action) {
    const bool may = action == "org.passthru1.detach" || action == "org.passthru1.reattach" ||
                     action == "org.passthru1.lease";
    return may ? ", or become a member of group libvirt" : "";
}

}  // namespace

std::string_view action_for(std::string_view interface, std::string_view method) {
    for (const MethodRule& rule : method_rules) {
        if (rule.interface == interface && rule.method == method) return rule.action;
    }
    return {};
}

Authority::Authority(BusConnection& bus)
    : bus_daemon_(bus.proxy("org.freedesktop.DBus", "/org/freedesktop/DBus")),
      polkit_(bus.proxy("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority")) {}

void Authority::authorize(const Caller& caller, std::string_view interface, std::string_view method,
                          std::map<std::string, std::string> details, Decision decided) {
    const std::string action(action_for(interface, method));
    if (action.empty()) {
        return decided(
            fail(Errc::AccessDenied, fmt::format("nobody may call {}.{}", interface, method)));
    }
    authorize_action(caller, action, std::move(details), std::move(decided));
}

void Authority::authorize_override(const Caller& caller, std::map<std::string, std::string> details,
                                   Decision decided) {
    authorize_action(caller, std::string(override_safety), std::move(details), std::move(decided));
}

Result<std::shared_ptr<void>> Authority::count_call(const Owner& user) {
    if (user.id == "0") return nullptr;
    int& open = (*calls_)[user.id];
    if (open >= most_calls_of_a_user) {
        return fail(Errc::LimitsExceeded,
                    fmt::format("{} calls of {} are under way already: wait for one of them", open,
                                user.name));
    }
    ++open;
    return std::shared_ptr<void>(nullptr, [calls = calls_, id = user.id](void*) {
        if (--calls->at(id) == 0) calls->erase(id);
    });
}

void Authority::authorize_action(const Caller& caller, const std::string& action,
                                 std::map<std::string, std::string> details, Decision decided) {
    const auto answered = [this, caller, action, details = std::move(details),
                           decided = std::move(decided)](AsyncError error, std::uint32_t uid) {
        if (error) return decided(fail(Errc::AccessDenied, "the caller is gone"));
        const Owner who = administrator(uid);
        if (uid == 0 || action == everybody) return decided(who);
        if (action == root_only)
            return decided(fail(Errc::AccessDenied, "only root may call this"));
        ask_polkit(caller, action, details, who, decided);
    };
    bus_daemon_->callMethodAsync("GetConnectionUnixUser")
        .onInterface("org.freedesktop.DBus")
        .withArguments(caller.sender)
        .uponReplyInvoke(answered);
}

void Authority::ask_polkit(const Caller& caller, const std::string& action,
                           const std::map<std::string, std::string>& details, const Owner& who,
                           Decision decided) {
    using Subject = sdbus::Struct<std::string, std::map<std::string, sdbus::Variant>>;
    using Verdict = sdbus::Struct<bool, bool, std::map<std::string, std::string>>;
    const Subject subject{"system-bus-name", {{"name", sdbus::Variant{caller.sender}}}};
    const bool interactive = caller.interactive;
    const std::uint32_t flags = interactive ? allow_user_interaction : 0;
    int& open = open_questions_[who.id];
    if (open >= most_questions_of_a_user) {
        return decided(fail(Errc::LimitsExceeded,
                            fmt::format("{} calls of {} wait for a password already: answer or "
                                        "cancel those first",
                                        open, who.name)));
    }
    ++open;

    const auto answered = [this, action, who, interactive, decided = std::move(decided)](
                              AsyncError error, const Verdict& verdict) {
        if (--open_questions_[who.id] == 0) open_questions_.erase(who.id);
        if (error) {
            return decided(fail(Errc::AccessDenied,
                                fmt::format("polkit cannot be asked whether you may do this: {}",
                                            error->getMessage())));
        }
        const bool authorized = std::get<0>(verdict);
        const bool challenge = std::get<1>(verdict);
        if (authorized) return decided(who);
        if (std::get<2>(verdict).contains("polkit.dismissed")) {
            return decided(fail(Errc::AccessDenied, "the question for the password was dismissed"));
        }
        if (challenge) {
            const std::string_view why =
                interactive ? "nobody can be asked for it here: start a polkit agent, such as "
                              "pkttyagent"
                            : "the call does not let us ask for one: busctl does";
            return decided(
                fail(Errc::InteractiveAuthorizationRequired,
                     fmt::format("{} needs a password, and {}{}", action, why, group_may(action))));
        }
        decided(
            fail(Errc::AccessDenied, fmt::format("you are not allowed to do this ({})", action)));
    };
    polkit_->callMethodAsync("CheckAuthorization")
        .onInterface("org.freedesktop.PolicyKit1.Authority")
        .withTimeout(prompt_limit)
        .withArguments(subject, action, details, flags, std::string())
        .uponReplyInvoke(answered);
}

}  // namespace passthru
