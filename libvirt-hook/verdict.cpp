// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libvirt-hook/verdict.hpp"

#include "libpassthru/plan/step.hpp"

#include <fmt/format.h>

namespace passthru {
namespace {

constexpr std::size_t longest_line = 1000;

std::string sentence(std::string_view text) {
    return "passthrud: " + one_line(text);
}

Verdict without_passthrud(const HookCall& call, const std::string& reason,
                          const std::optional<Bdf>& gpu) {
    if (!gpu) return {};
    if (!call.may_refuse()) {
        return {0, sentence(
                       fmt::format("GPU {} of {} may not be back: passthrud cannot be reached ({})",
                                   gpu->str(), call.domain, reason))};
    }
    return {1, sentence(fmt::format(
                   "GPU {} cannot be handed to {} because passthrud cannot be reached ({}): see "
                   "'systemctl status passthrud'",
                   gpu->str(), call.domain, reason))};
}

bool mentions(std::string_view text, std::string_view word) {
    return text.find(word) != std::string_view::npos;
}

}  // namespace

HookCall hook_call(std::span<char* const> arguments) {
    const auto at = [&](std::size_t index) {
        return index < arguments.size() ? std::string(arguments[index]) : std::string();
    };
    return {at(0), at(1), at(2), at(3)};
}

Verdict verdict_on(const HookCall& call, const Answer& answer, const std::optional<Bdf>& gpu) {
    return std::visit(
        Overloaded{
            [](const answer::Accepted&) { return Verdict{}; },
            [&](const answer::Refused& it) {
                return Verdict{call.may_refuse() ? 1 : 0, sentence(it.message)};
            },
            [&](const answer::Unreachable& it) { return without_passthrud(call, it.reason, gpu); },
            [](const answer::NotForUsers&) { return Verdict{}; },
        },
        answer);
}

Verdict verdict_on_unreadable(const HookCall& call, std::string_view xml, const Error& error) {
    const bool pci_hostdev =
        mentions(xml, "<hostdev") && (mentions(xml, "type='pci'") || mentions(xml, "type=\"pci\""));
    if (!pci_hostdev && !mentions(xml, "vfio-pci")) return {};
    return {call.may_refuse() ? 1 : 0, sentence(error.message)};
}

std::optional<Bdf> gpu_of(const DomainRequest& domain, std::span<const DeviceSet> sets) {
    for (const DeviceSet& set : sets) {
        for (const Bdf& function : domain.functions) {
            if (set.contains(function)) return set.id();
        }
    }
    return std::nullopt;
}

std::string one_line(std::string_view text) {
    std::string line;
    for (const char byte : text.substr(0, longest_line)) {
        const auto value = static_cast<unsigned char>(byte);
        const bool printable = value >= 0x20 && value != 0x7f;
        if (printable) {
            line += byte;
        } else if (!line.empty() && line.back() != ' ') {
            line += ' ';
        }
    }
    // Cut before a character of UTF-8 that is not whole.
    if (text.size() > longest_line) {
        while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xc0) == 0x80)
            line.pop_back();
        if (!line.empty() && static_cast<unsigned char>(line.back()) >= 0xc0) line.pop_back();
    }
    while (line.ends_with(' ')) line.pop_back();
    return line;
}

}  // namespace passthru
