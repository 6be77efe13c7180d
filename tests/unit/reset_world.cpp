// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/reset_world.hpp"

#include "libpassthru/drop_ins.hpp"
#include "libpassthru/reset/quirk_file.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <fmt/format.h>
#include <stdexcept>

namespace passthru {
namespace {

std::string_view prefix_of(ResetMeans means) {
    switch (means) {
        case ResetMeans::Attribute: return "";
        case ResetMeans::SleepInRam: return "only ";
        case ResetMeans::RemoveSleepRescan: return "";
        case ResetMeans::VfioHotReset: return "hot ";
        case ResetMeans::Subordinate: return "bridge ";
        case ResetMeans::RemoveRescan: return "removal ";
    }
    return "?";
}

std::string short_name(const Bdf& bdf) {
    return bdf.str().substr(bdf.str().size() - sizeof("BB:DD.F") + 1);
}

std::string text_of(const ResetAttempt& attempt) {
    std::string text = fmt::format(
        " {}{}", prefix_of(attempt.means),
        attempt.means == ResetMeans::RemoveRescan ? std::string() : attempt.method + " ");
    for (const Bdf& bdf : attempt.functions) text += short_name(bdf) + " ";
    if (attempt.bridge) text += "below " + short_name(*attempt.bridge) + " ";
    text.back() = ';';
    return text;
}

}  // namespace

Quirks quirks_of(std::string_view text) {
    QuirkFile file = read_quirk_text(text, "quirks.toml");
    if (!file.problems.empty()) throw std::runtime_error(file.problems.front());
    return Quirks(std::move(file.entries));
}

Quirks shipped_quirks() {
    std::string all;
    for (const auto& file : drop_in_files({PASSTHRU_QUIRKS}, ".toml")) {
        all += read_text(file).value();
    }
    return quirks_of(all);
}

ResetWorld::ResetWorld(std::string_view drawing)
    : inventory(fakes::FakeKernel(drawing).inventory()) {
    for (const auto& [bdf, function] : inventory.functions) {
        if (function.driver == "vfio-pci") given.push_back(bdf);
    }
}

ResetWorld& ResetWorld::with_new_kernel() {
    for (auto& [bdf, function] : inventory.functions) {
        function.reset_subordinate = function.is_bridge();
    }
    return *this;
}

ResetDecision ResetWorld::decide(const ResetRules& rules) const {
    return plan_reset(given, inventory, rules);
}

std::string ResetWorld::chains(const ResetRules& rules) const {
    std::string text;
    for (const ResetChain& chain : decide(rules).chains) {
        std::string line;
        for (const Bdf& bdf : chain.functions) line += short_name(bdf) + " ";
        line.back() = ':';
        for (const ResetAttempt& attempt : chain.attempts) line += text_of(attempt);
        if (line.ends_with(';')) line.pop_back();
        text += (text.empty() ? "" : "\n") + line;
    }
    return text;
}

std::string ResetWorld::why_not(std::string_view method, const ResetRules& rules) const {
    std::string text;
    for (const MethodNotTaken& refused : decide(rules).not_taken) {
        if (refused.method == method) text += (text.empty() ? "" : "; ") + refused.why;
    }
    return text;
}

}  // namespace passthru
