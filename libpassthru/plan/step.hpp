// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/function.hpp"
#include "libpassthru/reset/reset_chain.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace passthru {

/// Which uses by the host stand against a move.
enum class CriticalRule {
    RefuseAll,
    RefuseDisksAndBoard,  ///< somebody took losing a network or the keyboard upon himself
};

/// What holders mean.
enum class HolderRule {
    Refuse,           ///< each one stands against the move
    AskThenRefuse,    ///< as Refuse; the programs of login sessions get SIGTERM before the wait
    RefuseDangerous,  ///< only those that could make an unbind wait for ever: see `may_be_ignored`
};

/// What it means when no way to reset a card works, and the card is well all the same.
enum class ResetDemand {
    IfPossible,  ///< nothing: it goes on as it is
    Required,    ///< the step has failed: somebody has asked for a reset
};

/// What a function is set to besides its driver; each one is an attribute in its folder.
enum class Setting {
    PowerControl,   ///< `power/control`: `on` keeps it awake, `auto` lets it sleep when idle
    D3coldAllowed,  ///< `d3cold_allowed`: `1` or `0`
    ResetMethod,    ///< `reset_method`: names in the order in which the kernel tries them
};

/// The attribute's path below the function's folder.
[[nodiscard]] std::string_view attribute_of(Setting setting);

/// `refuse-all`, `refuse-disks-and-board`; `refuse`, `ask-then-refuse`, `refuse-dangerous`.
[[nodiscard]] std::string_view rule_name(CriticalRule rule);
[[nodiscard]] std::string_view rule_name(HolderRule rule);
/// `if-possible`, `required`.
[[nodiscard]] std::string_view rule_name(ResetDemand demand);

/// How long a service may take for its end: what holds a VM's start up has to end.
inline constexpr std::chrono::seconds time_to_stop_a_service{60};

/// The closed set of things that the worker does, nearly all to a function. Each one is idempotent:
/// doing it to a function that is already so changes nothing and succeeds, so that a plan may be
/// run again after a crash.
namespace step {

/// Nothing is done: the function must exist, be an endpoint, answer config reads and still be the
/// same device.
struct CheckAnswers {
    Bdf bdf;
    PciId id;
    bool operator==(const CheckAnswers&) const = default;
};

/// Nothing is done: the host must not need these functions, see `find_critical_uses`.
struct CheckNotCritical {
    std::vector<Bdf> functions;
    CriticalRule rule = CriticalRule::RefuseAll;
    bool operator==(const CheckNotCritical&) const = default;
};

/// No process may have a device node of these functions open or mapped. Waits that long for those
/// who have, and reports them meanwhile.
struct CheckUnused {
    std::vector<Bdf> functions;
    HolderRule rule = HolderRule::Refuse;
    std::chrono::seconds wait{0};
    bool operator==(const CheckUnused&) const = default;
};

/// Writes `driver_override`; `to` is empty to clear it. `from` is what undo writes back.
struct SetOverride {
    Bdf bdf;
    std::optional<std::string> from;
    std::optional<std::string> to;
    bool operator==(const SetOverride&) const = default;
};

/// Takes the function from `driver`; nothing is done when it is not there.
struct Unbind {
    Bdf bdf;
    std::string driver;
    bool operator==(const Unbind&) const = default;
};

/// Lets the kernel look for a driver and reads back that it is `driver`.
struct Probe {
    Bdf bdf;
    std::string driver;
    bool operator==(const Probe&) const = default;
};

/// Writes one setting; `from` is what undo writes back. A `reset_method` that the kernel does not
/// take any more becomes its own choice again.
struct WriteSetting {
    Bdf bdf;
    Setting setting = Setting::PowerControl;
    std::optional<std::string> from;
    std::string to;
    bool operator==(const WriteSetting&) const = default;
};

/// Resets a card, one way after the other until all of its functions are well, and reports each
/// try. No function of it may be on a host driver. A card that is not well in the end has failed.
struct Reset {
    ResetChain chain;
    ResetDemand demand = ResetDemand::IfPossible;
    bool operator==(const Reset&) const = default;
};

/// Stops a service of systemd's, which may only be one of those that passthrud.conf(5) names, and
/// waits for its end.
struct StopService {
    std::string service;
    bool operator==(const StopService&) const = default;
};

/// Asks systemd to start a service again, one that passthrud.conf(5) names, and does not wait.
struct StartService {
    std::string service;
    bool operator==(const StartService&) const = default;
};

/// Lets a user open the VFIO nodes of these functions; 0, root, takes them back. They vanish, and
/// with them whom they belong to, when the stub driver goes.
struct LendNodes {
    std::vector<Bdf> functions;
    std::uint32_t user = 0;
    bool operator==(const LendNodes&) const = default;
};

}  // namespace step

using Step = std::variant<step::CheckAnswers, step::CheckNotCritical, step::CheckUnused,
                          step::SetOverride, step::Unbind, step::Probe, step::WriteSetting,
                          step::Reset, step::LendNodes, step::StopService, step::StartService>;

enum class PlanKind { Detach, Reattach, Undo, Reset };

/// What will be done, in this order, until the first step that fails.
struct Plan {
    PlanKind kind = PlanKind::Detach;
    std::vector<Step> steps;

    bool operator==(const Plan&) const = default;
};

/// `detach`, `reattach`, `undo`, `reset`.
[[nodiscard]] std::string_view plan_kind_name(PlanKind kind);

/// The functions that this step touches: none, where it is about a service.
[[nodiscard]] std::vector<Bdf> functions_of(const Step& step);

/// The one of them that stands for all where there is room for one; `gpu` where there is none.
[[nodiscard]] Bdf function_shown(const Step& step, const Bdf& gpu);

/// Does the step leave everything as it is?
[[nodiscard]] bool only_looks(const Step& step);

/// The step as a person reads it: `bind 0000:01:00.1 to vfio-pci`.
[[nodiscard]] std::string describe(const Step& step);

/// The step's kind for programs: `check-answers`, `check-not-critical`, `check-unused`,
/// `set-override`, `unbind`, `probe`, `write-setting`, `reset`, `lend-nodes`, `stop-service`,
/// `start-service`.
[[nodiscard]] std::string_view step_name(const Step& step);

void PrintTo(const Plan& plan, std::ostream* out);

/// For exhaustive `std::visit`: a new alternative does not compile until every visitor handles it.
template <typename... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};

}  // namespace passthru
