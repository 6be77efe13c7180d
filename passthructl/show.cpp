// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/show.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace passthru::ctl {
namespace {

/// The text behind a mark, wrapped below itself.
std::string item(const std::string& mark, const std::string& text, std::size_t width) {
    const bool fits = width > 2 * mark.size();
    return mark + wrapped(text, fits ? width - mark.size() : 0, mark.size()) + "\n";
}

std::string item(const std::string& text, std::size_t width) {
    return item("  - ", text, width);
}

/// What was told of several functions with one remedy.
struct Reason {
    std::string error;
    std::string remedy;
    std::string message;
    std::string lead;  ///< the message up to its function, where only the function's class follows
};

/// `GPU 0000:06:00.0 shares its IOMMU group with ` of `… with 0000:01:00.1 (SATA controller)`.
std::string lead_of(const PlanAnswer::Refusal& refusal) {
    const std::size_t at = refusal.message.rfind(refusal.function + " (");
    const bool ends_there = at != std::string::npos && refusal.message.ends_with(')') &&
                            refusal.message.find(')', at) + 1 == refusal.message.size();
    return ends_there ? refusal.message.substr(0, at) : "";
}

void add(Reason& reason, const PlanAnswer::Refusal& refusal) {
    const std::string lead = lead_of(refusal);
    const bool goes_on = !lead.empty() && lead == reason.lead;
    if (!reason.message.empty()) reason.message += goes_on ? ", " : "; ";
    reason.message += goes_on ? refusal.message.substr(lead.size()) : refusal.message;
    reason.lead = lead;
}

std::vector<Reason> reasons_of(const PlanAnswer& plan) {
    std::vector<Reason> reasons;
    for (const PlanAnswer::Refusal& it : plan.refusals) {
        auto reason = std::ranges::find_if(reasons, [&](const Reason& known) {
            return known.error == it.error && known.remedy == it.remedy;
        });
        if (reason == reasons.end()) {
            reason = reasons.insert(reason, {it.error, it.remedy, "", ""});
        }
        add(*reason, it);
    }
    return reasons;
}

std::string last_part(const std::string& error) {
    return error.substr(error.rfind('.') + 1);
}

}  // namespace

std::string to_text(const PlanAnswer& plan, const Screen& screen) {
    std::string text;
    if (!plan.device_set.empty()) {
        text +=
            wrapped(fmt::format("GPU {} moves with {}", plan.gpu, fmt::join(plan.device_set, ", ")),
                    screen.width, 4) +
            "\n";
    }
    if (!plan.refusals.empty()) {
        text += fmt::format("The {} would be refused:\n", plan.action);
        for (const Reason& it : reasons_of(plan)) {
            text += item(fmt::format("{}: {}: {}", last_part(it.error), it.message, it.remedy),
                         screen.width);
        }
    } else if (plan.steps.empty()) {
        text += "Nothing has to be done.\n";
    } else {
        text += fmt::format("The {} would do:\n", plan.action);
        std::size_t number = 0;
        for (const auto& it : plan.steps) {
            text += item(fmt::format("{:3}. ", ++number), it.text, screen.width);
        }
    }
    if (!plan.warnings.empty()) text += "To be known:\n";
    for (const auto& it : plan.warnings) text += item(it.message, screen.width);
    return text;
}

std::string to_text(const std::vector<FindingRow>& findings, const Screen& screen) {
    if (findings.empty()) return "Nothing is wrong: VMs can have every GPU.\n";
    constexpr std::size_t indent = 4;
    std::string text;
    for (const FindingRow& it : findings) {
        const Style style = it.severity == "error"     ? Style::Bad
                            : it.severity == "warning" ? Style::Moving
                                                       : Style::Plain;
        text +=
            fmt::format("{}: {}{}\n", styled(printable(it.severity), style, screen),
                        it.subject.empty() ? "" : printable(it.subject) + ": ", printable(it.id));
        text += item(std::string(indent, ' '), it.message, screen.width);
        const bool is_page = it.documentation.starts_with("man:");
        const std::string page = is_page ? it.documentation.substr(4) : "";
        std::string see = is_page ? "see " + page : it.documentation;
        if (is_page && it.remedy.contains(page)) see.clear();
        text +=
            item(std::string(indent, ' ') + "→ ",
                 it.remedy + (it.remedy.empty() || see.empty() ? "" : "; ") + see, screen.width);
    }
    return text;
}

std::string to_text(const std::vector<HolderRow>& holders, const Screen& screen) {
    if (holders.empty()) return "Nobody has it open.\n";
    std::vector<Row> cells;
    for (const HolderRow& it : holders) {
        cells.push_back({it.kind, it.pid == 0 ? "-" : std::to_string(it.pid),
                         it.user.empty() ? "-" : it.user, it.command, it.node,
                         it.session.empty() ? "-" : it.session, it.unit.empty() ? "-" : it.unit});
    }
    return table({"KIND", "PID", "USER", "COMMAND", "NODE", "SESSION", "UNIT"}, cells, screen);
}

}  // namespace passthru::ctl
