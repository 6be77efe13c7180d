// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/reset/quirk_file.hpp"
#include "libpassthru/reset/reset_chain.hpp"
#include "tests/fuzz/require.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace passthru::fuzz {
namespace {

Function on_vfio(const Bdf& bdf, PciId id, ClassCode class_code) {
    Function function;
    function.bdf = bdf;
    function.parent = Bdf{0, 0, 1, 0};
    function.id = id;
    function.subsystem = {0x1462, 0x3413};
    function.class_code = class_code;
    function.driver = "vfio-pci";
    function.reset_methods = {"flr", "bus"};
    return function;
}

/// A card of two functions that are handed over, below a bridge, and a third that the host has
/// where `shared` says so.
Inventory card(bool shared) {
    Inventory inventory;
    const auto add = [&](const Function& function) {
        inventory.functions.emplace(function.bdf, function);
    };
    add(on_vfio({0, 1, 0, 0}, {0x1002, 0x67df}, 0x0300));
    add(on_vfio({0, 1, 0, 1}, {0x1002, 0xaaf0}, 0x0403));
    Function bridge;
    bridge.bdf = {0, 0, 1, 0};
    bridge.class_code = 0x0604;
    bridge.has_secondary = true;
    bridge.reset_subordinate = true;
    add(bridge);
    if (shared) {
        Function sibling = on_vfio({0, 1, 0, 2}, {0x1022, 0x15e0}, 0x0c03);
        sibling.driver = "xhci_hcd";
        add(sibling);
    }
    return inventory;
}

void require_names(const std::vector<std::string>& methods) {
    require(methods.size() <= max_reset_methods, "there are not too many methods");
    require(std::ranges::all_of(methods, is_reset_method), "a method has the kernel's spelling");
}

}  // namespace
}  // namespace passthru::fuzz

/// A quirk file is read, and each of its mistakes is named with its place; whatever it says, no
/// reset hits a function that the host has.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace passthru;
    using fuzz::require;
    QuirkFile file = read_quirk_text({reinterpret_cast<const char*>(data), size}, "50-x.toml");
    for (const std::string& problem : file.problems) {
        require(problem.starts_with("50-x.toml:"), "a mistake is named with its place");
    }
    for (const Quirk& entry : file.entries) {
        require(entry.exactness() > 0, "an entry says whom it is about");
    }
    ResetRules rules;
    rules.quirks = Quirks(std::move(file.entries));
    const std::vector<Bdf> given{{0, 1, 0, 0}, {0, 1, 0, 1}};
    for (const bool shared : {false, true}) {
        const Inventory inventory = fuzz::card(shared);
        for (const auto& [bdf, function] : inventory.functions) {
            const CardQuirk quirk = rules.quirks.for_function(function);
            fuzz::require_names(quirk.prefer);
            fuzz::require_names(quirk.avoid);
            require(quirk.wait >= std::chrono::milliseconds(0) && quirk.wait <= max_reset_wait,
                    "the wait is bounded");
        }
        for (const auto occasion : {ResetOccasion::AfterStop, ResetOccasion::BeforeStart}) {
            rules.occasion = occasion;
            const ResetDecision decision = plan_reset(given, inventory, rules);
            require(!decision.chains.empty() && decision.chains.size() <= 2, "it is one card");
            for (const ResetChain& chain : decision.chains) {
                for (const ResetAttempt& attempt : chain.attempts) {
                    const bool alone = attempt.means == ResetMeans::Attribute;
                    require(alone || !shared, "nothing of the host's is reset with it");
                    require(!alone || (attempt.method != "bus" && attempt.method != "cxl_bus"),
                            "the bus of two functions is not reset by one");
                }
            }
        }
    }
    return 0;
}
