// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/daemon/card_world.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <ostream>

namespace passthru {

using fakes::Fault;
using fakes::operator""_bdf;

const Card& three_functions() {
    static const Card card{"a card of three functions",
                           R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:1e87 group 1 driver nouveau matches nvidiafb,nouveau control auto
          01:00.1 0403 10de:10f8 group 1 driver snd_hda_intel
          01:00.2 0c03 10de:1ad8 group 1 driver xhci_hcd override xhci_hcd matches xhci_hcd
        00:06.0 0604 8086:464d group 2 driver pcieport
          03:00.0 0300 1002:73bf group 3 driver amdgpu
                           )",
                           {"01:00.0"_bdf, "01:00.1"_bdf, "01:00.2"_bdf}};
    return card;
}

const Card& with_a_foreign_function() {
    static const Card card{"a card with a neighbour without driver",
                           R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:1e87 group 1 driver nouveau
          01:00.1 0403 10de:10f8 group 1 driver snd_hda_intel
        00:01.1 0604 8086:460f group 1 driver pcieport
          02:00.0 0200 8086:1539 group 1
        00:06.0 0604 8086:464d group 2 driver pcieport
          03:00.0 0300 1002:73bf group 3 driver amdgpu
                           )",
                           {"01:00.0"_bdf, "01:00.1"_bdf, "02:00.0"_bdf}};
    return card;
}

std::string_view move_name(Move move) {
    switch (move) {
        case Move::Detach: return "detach";
        case Move::Undo: return "undo";
        case Move::Reattach: return "reattach";
    }
    return "";
}

void PrintTo(Move move, std::ostream* out) {
    *out << move_name(move);
}

std::string case_name(const testing::TestParamInfo<Case>& it) {
    const bool plain = it.param.card == &three_functions();
    return fmt::format("{}_of_{}", move_name(it.param.move),
                       plain ? "three_functions" : "a_foreign_function");
}

void PrintTo(const Case& it, std::ostream* out) {
    *out << move_name(it.move) << " of " << it.card->name;
}

CardWorld::CardWorld(const Card& card, Move move, std::chrono::seconds step_limit)
    : RingWorld(card.drawing, step_limit), card_(card), move_(move) {
    if (move == Move::Reattach) {
        EXPECT_TRUE(answer(prepare(win11, card.functions)).succeeded());
    }
    // The last write of the detach.
    if (move == Move::Undo) kernel_.plan_fault("drivers_probe", gpu(), Fault::Invalid);
    earlier_writes_ = kernel_.writes().size();
}

void CardWorld::will_be_unplugged(const std::vector<Bdf>& functions) {
    const fakes::FakeKernel other(card_.drawing);
    for (const Bdf& bdf : functions) other.unplug(bdf);
    home_ = other.dump();
    other.replug();
    home_later_ = other.dump();
    unplugged_ = functions;
}

std::shared_ptr<RingWorld::Asked> CardWorld::begin() {
    return move_ == Move::Reattach ? release(win11) : prepare(win11, card_.functions);
}

std::vector<std::string> CardWorld::writes_of_the_move() const {
    std::vector<std::string> writes = kernel_.writes();
    writes.erase(writes.begin(), writes.begin() + static_cast<std::ptrdiff_t>(earlier_writes_));
    return writes;
}

Ending CardWorld::ending(const Asked& asked) const {
    const Assignment& it = entry(gpu()).assignment;
    const auto journal = journal_.load().assignments;
    const auto saved = journal.find(gpu());
    if (!kernel_.accidents().empty()) return {"accident", kernel_.accidents().front()};
    if (asked.answers > 1) return {"answers", "it was answered twice"};

    if (it.phase == Phase::Failed || it.phase == Phase::Stuck) {
        const std::string word(phase_name(it.phase));
        if (saved == journal.end() || saved->second.phase != it.phase)
            return {word, "the journal does not say so"};
        if (!it.trouble || it.trouble->message.find("01:00") == std::string::npos)
            return {word, "it names nothing"};
        if (asked.answers == 1 && asked.refusal != it.trouble)
            return {word, "whoever waited was told something else"};
        return {word, ""};
    }
    if (it.phase != Phase::Idle) return {std::string(phase_name(it.phase)), "it did not end"};
    if (it.owner == win11) {
        if (!all_on_stub()) return {"owner", "it is not whole: " + difference_to_home()};
        if (saved == journal.end()) return {"owner", "the journal does not say so"};
        const bool told = asked.answers == 0 || asked.succeeded() == (move_ != Move::Reattach);
        return {"owner", told ? "" : "whoever waited was told something else"};
    }
    if (it.owner != host) return {"owner?", "it belongs to " + describe(it.owner)};
    if (saved != journal.end()) return {"host", "the journal says something else"};
    const bool told = asked.answers == 0 || asked.succeeded() == (move_ == Move::Reattach);
    return {"host", told ? difference_to_home() : "whoever waited was told something else"};
}

std::string CardWorld::next_start(const Ending& ending) {
    kernel_.clear_faults();
    if (ending.word == "owner") return unplugged_.empty() ? a_whole_run(win11) : end_of_the_vm();
    if (ending.word == "host") return plugged_in_again();
    std::string complaint = refusals();
    if (ending.word == "failed" && complaint.empty()) complaint = repair();
    return complaint;
}

std::string CardWorld::a_whole_run(const Owner& domain) {
    if (const Asked asked = answer(prepare(domain, card_.functions)); !asked.succeeded())
        return "the next start is refused: " + asked.refusal.value_or(Error{}).message;
    if (!all_on_stub() || !kernel_.open_by_guest(gpu())) return "the next VM cannot open the GPU";
    kernel_.close_by_guest(gpu());
    if (!answer(release(domain)).succeeded()) return "the next VM's GPU is not taken back";
    if (!kernel_.accidents().empty()) return kernel_.accidents().front();
    return difference_to_home();
}

/// Does a VM that wants the card hear this, or that it is not there?
bool CardWorld::is_refused(const std::optional<Error>& reason) {
    const Asked asked = answer(prepare(games, card_.functions));
    if (unplugged_.empty()) return asked.refusal == reason;
    // Of a VM whose GPU is not there libvirt itself says what is missing.
    if (!asked.refusal) return std::ranges::find(unplugged_, gpu()) != unplugged_.end();
    return asked.refusal == reason || asked.refusal->code == Errc::NoSuchGpu;
}

std::string CardWorld::refusals() {
    const std::optional<Error> reason = entry(gpu()).assignment.trouble;
    if (!is_refused(reason)) return "the next start is not refused for that reason";
    start();
    if (!is_refused(reason) || entry(gpu()).assignment.trouble != reason)
        return "it is forgotten in a restart";
    const Bdf other = "03:00.0"_bdf;
    if (!answer(prepare(games, {other})).succeeded() || !answer(release(games)).succeeded())
        return "the other GPU is refused as well";
    return "";
}

std::string CardWorld::repair() {
    if (!answer(reattach(gpu())).succeeded()) return "it cannot be repaired";
    const std::string rest = difference_to_home();
    return rest.empty() ? plugged_in_again() : "after the repair: " + rest;
}

/// It could not begin without its card.
std::string CardWorld::end_of_the_vm() {
    if (!answer(release(win11)).succeeded()) return "what is left is not taken back";
    const std::string rest = difference_to_home();
    return rest.empty() ? plugged_in_again() : "after the VM: " + rest;
}

std::string CardWorld::plugged_in_again() {
    if (unplugged_.empty()) return a_whole_run(games);
    if (!is_refused(std::nullopt)) return "a VM starts without a part of its card";
    kernel_.replug();
    ring_->refresh();
    home_ = home_later_;
    unplugged_.clear();
    const std::string rest = difference_to_home();
    return rest.empty() ? a_whole_run(games) : "plugged in again: " + rest;
}

bool CardWorld::all_on_stub() const {
    return std::ranges::all_of(card_.functions, [this](const Bdf& bdf) {
        if (std::ranges::find(unplugged_, bdf) != unplugged_.end()) return true;
        return kernel_.driver_of(bdf) == "vfio-pci" &&
               kernel_.attribute(bdf, "driver_override") == "vfio-pci";
    });
}

}  // namespace passthru
