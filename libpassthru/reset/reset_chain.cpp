// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/reset/reset_chain.hpp"

#include "libpassthru/pci/device_set.hpp"
#include "libpassthru/reset/reach.hpp"

#include <algorithm>
#include <expected>
#include <fmt/format.h>
#include <ostream>

namespace passthru {
namespace {

using Methods = std::vector<std::string>;
using Members = std::vector<const Function*>;

bool has(const Methods& methods, std::string_view method) {
    return std::ranges::find(methods, method) != methods.end();
}

void add(Methods& methods, const std::string& method) {
    if (!has(methods, method)) methods.push_back(method);
}

/// `cxl_bus` is a bus reset that a CXL port lets through
/// (drivers/pci/pci.c:cxl_reset_bus_function).
bool is_bus(std::string_view method) {
    return method == "bus" || method == "cxl_bus";
}

/// What of the set may be reset at all, card by card. A virtual function has a reset of its own and
/// shares its slot by its number only.
std::vector<Members> cards_of(const std::vector<Bdf>& functions, const Inventory& inventory) {
    std::vector<Members> cards;
    for (const Bdf& bdf : functions) {
        const Function* function = inventory.find(bdf);
        if (function == nullptr || function->is_bridge()) continue;
        if (function->driver && !function->on_stub()) continue;
        const auto card = std::ranges::find_if(cards, [&](const Members& members) {
            return !function->is_virtual && !members.front()->is_virtual &&
                   members.front()->bdf.same_slot(bdf);
        });
        if (card == cards.end()) {
            cards.push_back({function});
        } else if (std::ranges::find(*card, function) == card->end()) {
            card->push_back(function);
        }
    }
    return cards;
}

/// Its GPU, else its first function; behind that the others in order of address.
Members leader_first(Members members, const Inventory& inventory) {
    const auto before = [&](const Function* a, const Function* b) {
        const bool leads_a = inventory.leads(*a);
        const bool leads_b = inventory.leads(*b);
        return leads_a != leads_b ? leads_a : a->bdf < b->bdf;
    };
    std::ranges::sort(members, before);
    return members;
}

/// The decision about one card, or about one of its functions that has to be reset by itself.
class CardPlan {
public:
    CardPlan(const Members& members, const std::vector<Bdf>& given, const Inventory& inventory,
             const ResetRules& rules)
        : members_(leader_first(members, inventory)),
          given_(given),
          inventory_(inventory),
          rules_(rules),
          quirk_(rules.quirks.for_function(leader())),
          alone_(reach_of_bus(leader(), inventory).size() == 1) {
        const auto wanted = rules.wanted.find(leader().bdf);
        if (wanted != rules.wanted.end()) wanted_ = wanted->second;
        for (const std::string& method : leader().reset_methods) {
            if (is_reset_method(method)) add(offered_, method);
        }
    }

    void decide(ResetDecision& decision) const {
        ResetChain chain;
        for (const Function* member : members_) chain.functions.push_back(member->bdf);
        chain.wait = quirk_.wait;
        if (!is_the_time()) {
            decision.not_taken.push_back(
                {"reset", fmt::format("a quirk wants none of {} now", leader().bdf.str())});
        } else {
            take(methods(), chain, decision.not_taken);
        }
        decision.chains.push_back(chain);
        for (const Function* member : members_) decide_alone(*member, chain, decision);
    }

private:
    using Attempts = std::expected<std::vector<ResetAttempt>, std::string>;

    [[nodiscard]] const Function& leader() const { return *members_.front(); }

    [[nodiscard]] bool is_the_time() const {
        switch (quirk_.when) {
            case ResetWhen::AfterStop: return rules_.occasion == ResetOccasion::AfterStop;
            case ResetWhen::BeforeStart: return rules_.occasion == ResetOccasion::BeforeStart;
            case ResetWhen::Both: return true;
            case ResetWhen::Never: return false;
        }
        return false;
    }

    /// Everything that comes into question, in the order in which it is tried.
    [[nodiscard]] Methods methods() const {
        if (wanted_) return *wanted_;
        Methods result;
        for (const std::string& method : quirk_.prefer) add(result, method);
        for (const std::string& method : offered_) {
            // Of several functions this is no reset of one of them, and comes behind those that
            // are.
            if (method != "bus" || alone_) add(result, method);
        }
        add(result, "bus");
        add(result, "remove_rescan");
        return result;
    }

    [[nodiscard]] bool is_avoided(const std::string& method) const {
        if (wanted_) return false;
        if (method == "remove_rescan" && quirk_.remove_rescan == RemoveRescanRule::Never) {
            return true;
        }
        return has(quirk_.avoid, method) || (is_bus(method) && has(quirk_.avoid, "bus"));
    }

    void take(const Methods& methods, ResetChain& chain,
              std::vector<MethodNotTaken>& not_taken) const {
        Methods done;
        for (const std::string& method : methods) {
            if (has(done, method)) continue;
            done.push_back(method);
            const Attempts found = attempts(method);
            if (!found) {
                not_taken.push_back({method, found.error()});
                continue;
            }
            chain.attempts.insert(chain.attempts.end(), found->begin(), found->end());
        }
    }

    [[nodiscard]] Attempts attempts(const std::string& method) const {
        if (is_avoided(method)) {
            return std::unexpected(
                fmt::format("a quirk says that {} must not be reset so", leader().bdf.str()));
        }
        if (method == "remove_rescan") return removal();
        if (method == "suspend") return sleep();
        if (is_bus(method) && !alone_) return bus_reset(method);
        return by_attribute(method);
    }

    /// A companion has its part in a method that it offers as well.
    [[nodiscard]] Attempts by_attribute(const std::string& method) const {
        // Writing it to reset_method is how one asks for vendor-reset: EINVAL says that it is not
        // there (drivers/pci/pci-sysfs.c:reset_method_store).
        const bool asked_for = has(quirk_.prefer, method) || wanted_;
        const bool probed = method == "device_specific" && asked_for;
        if (!probed && !has(offered_, method)) {
            return std::unexpected(
                fmt::format("the kernel does not offer it for {}", leader().bdf.str()));
        }
        ResetAttempt attempt{method, ResetMeans::Attribute, {leader().bdf}, {}};
        for (const Function* member : members_) {
            if (member == &leader()) continue;
            if (has(member->reset_methods, method)) attempt.functions.push_back(member->bdf);
        }
        return std::vector{attempt};
    }

    [[nodiscard]] Attempts bus_reset(const std::string& method) const {
        // The kernel computes `bus` for function 0 before it knows the others, and refuses it then
        // (drivers/pci/pci.c:pci_parent_bus_reset).
        if (method == "cxl_bus") {
            return std::unexpected(fmt::format("{} is not alone on its bus", leader().bdf.str()));
        }
        if (leader().is_virtual) {
            return std::unexpected(fmt::format("{} is a virtual function", leader().bdf.str()));
        }
        if (auto why = against_bus_reset(leader(), given_, inventory_)) {
            return std::unexpected(std::move(*why));
        }
        std::vector<Bdf> reached{leader().bdf};
        for (const Function* function : reach_of_bus(leader(), inventory_)) {
            if (function != &leader()) reached.push_back(function->bdf);
        }
        std::vector<ResetAttempt> found{{method, ResetMeans::VfioHotReset, reached, {}}};
        const Function* bridge = inventory_.find(*leader().parent);
        if (bridge != nullptr && bridge->reset_subordinate) {
            found.push_back({method, ResetMeans::Subordinate, reached, bridge->bdf});
        }
        return found;
    }

    [[nodiscard]] Attempts removal() const {
        if (auto why = against_removal(members_, inventory_)) {
            return std::unexpected(std::move(*why));
        }
        ResetAttempt attempt{"remove_rescan", ResetMeans::RemoveRescan, {}, leader().parent};
        for (const Function* member : members_) attempt.functions.push_back(member->bdf);
        return std::vector{attempt};
    }

    [[nodiscard]] Attempts sleep() const {
        Attempts found = removal();
        if (!found) {
            found = std::vector{ResetAttempt{"", ResetMeans::SleepInRam, {}, {}}};
            for (const Function* it : members_) found->front().functions.push_back(it->bdf);
        } else {
            found->front().means = ResetMeans::RemoveSleepRescan;
        }
        found->front().method = "suspend";
        return found;
    }

    /// Does the reset of the leader leave this one as the guest left it? Companions are reset with
    /// their GPU but for some; what else is in the slot of an APU is a device of its own.
    [[nodiscard]] bool is_left_out(const Function& member, const ResetChain& chain) const {
        if (&member == &leader()) return false;
        if (is_companion(member, leader(), inventory_) && !quirk_.companions_too) return false;
        return chain.attempts.empty() ||
               std::ranges::find(chain.attempts.front().functions, member.bdf) ==
                   chain.attempts.front().functions.end();
    }

    void decide_alone(const Function& member, const ResetChain& card,
                      ResetDecision& decision) const {
        if (!is_left_out(member, card)) return;
        CardPlan alone({&member}, given_, inventory_, rules_);
        if (is_companion(member, leader(), inventory_)) {
            alone.quirk_.when = quirk_.when;
            if (wanted_ && !alone.wanted_) {
                alone.wanted_ = wanted_;
                std::erase_if(*alone.wanted_,
                              [&](const std::string& it) { return !has(alone.offered_, it); });
            }
        }
        if (!alone.is_the_time()) return;
        Methods own = alone.methods();
        // Those are the whole card's.
        std::erase_if(own,
                      [](const std::string& it) { return is_bus(it) || it == "remove_rescan"; });
        ResetChain chain{{member.bdf}, {}, alone.quirk_.wait};
        alone.take(own, chain, decision.not_taken);
        if (!chain.attempts.empty()) decision.chains.push_back(chain);
    }

    Members members_;  ///< the leader first
    const std::vector<Bdf>& given_;
    const Inventory& inventory_;
    const ResetRules& rules_;
    CardQuirk quirk_;
    std::optional<Methods> wanted_;
    Methods offered_;
    bool alone_;  ///< nothing else is on the bus of the leader
};

std::string_view means_name(ResetMeans means) {
    switch (means) {
        case ResetMeans::Attribute: return "attribute";
        case ResetMeans::VfioHotReset: return "hot reset";
        case ResetMeans::Subordinate: return "subordinate";
        case ResetMeans::RemoveRescan: return "remove and rescan";
        case ResetMeans::SleepInRam: return "sleep";
        case ResetMeans::RemoveSleepRescan: return "removal, sleep and rescan";
    }
    return "";
}

}  // namespace

ResetDecision plan_reset(const std::vector<Bdf>& functions, const Inventory& inventory,
                         const ResetRules& rules) {
    ResetDecision decision;
    for (const Members& card : cards_of(functions, inventory)) {
        CardPlan(card, functions, inventory, rules).decide(decision);
    }
    return decision;
}

void PrintTo(const ResetAttempt& attempt, std::ostream* out) {
    *out << attempt.method << " by " << means_name(attempt.means) << " of";
    for (const Bdf& bdf : attempt.functions) *out << ' ' << bdf.str();
    if (attempt.bridge) *out << " below " << attempt.bridge->str();
}

void PrintTo(const ResetChain& chain, std::ostream* out) {
    for (const Bdf& bdf : chain.functions) *out << bdf.str() << ' ';
    *out << "wait " << chain.wait.count() << " ms:";
    for (const ResetAttempt& attempt : chain.attempts) {
        *out << ' ';
        PrintTo(attempt, out);
        *out << ';';
    }
}

void PrintTo(const MethodNotTaken& refused, std::ostream* out) {
    *out << refused.method << ": " << refused.why;
}

}  // namespace passthru
