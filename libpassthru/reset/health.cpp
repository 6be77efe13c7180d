// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/reset/health.hpp"

#include "libpassthru/pci/config_header.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <charconv>
#include <fmt/format.h>
#include <sstream>
#include <unistd.h>

namespace passthru {
namespace {

std::uint64_t number_in(std::string_view text, int base = 10) {
    if (base == 16 && text.starts_with("0x")) text.remove_prefix(2);
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number, base);
    return number;
}

std::string text_of(int folder, const char* name) {
    return read_attribute_at(folder, name).value_or("");
}

/// What the kernel knows the function for, from when it was found.
PciId known_id(int folder) {
    return {static_cast<std::uint16_t>(number_in(text_of(folder, "vendor"), 16)),
            static_cast<std::uint16_t>(number_in(text_of(folder, "device"), 16))};
}

/// A card that was powered off in between has no addresses any more, where the kernel gave it some
/// (`resource`: start, end and flags of each BAR; include/linux/ioport.h).
bool has_lost_addresses(int folder, const ConfigHeader& header) {
    constexpr std::uint64_t unset = 0x20000000;
    constexpr std::uint64_t of_64_bits = 0x100000;
    constexpr std::size_t bars = 6;
    // A virtual function has its addresses from the physical one (SR-IOV 1.1, 3.4.1.11).
    if (::faccessat(folder, "physfn", F_OK, 0) == 0) return false;
    std::istringstream lines(text_of(folder, "resource"));
    std::string start;
    std::string end;
    std::string flags;
    for (std::size_t bar = 0; bar < bars && lines >> start >> end >> flags; ++bar) {
        if (number_in(start, 16) == 0 || (number_in(flags, 16) & unset) != 0) continue;
        const std::size_t at = 0x10 + 4 * bar;
        const bool is_long = (number_in(flags, 16) & of_64_bits) != 0;
        const std::uint32_t upper = is_long ? header.long_word(at + 4) : 0;
        if ((header.long_word(at) & 0xfffffff0U) == 0 && upper == 0) return true;
    }
    return false;
}

/// `TOTAL_ERR_FATAL 3`, the last line of a list of counts.
std::uint64_t total_of(const std::string& counts) {
    const std::size_t space = counts.rfind(' ');
    return space == std::string::npos ? 0 : number_in(std::string_view(counts).substr(space + 1));
}

std::optional<std::string> illness_of(int folder, const Bdf& bdf) {
    if (const auto answer = check_answer(folder, bdf, known_id(folder)); !answer) {
        return fmt::format("{} does not answer", bdf.str());
    }
    const auto header = read_config(folder);
    if (!header || header->type() != 0) {
        return fmt::format("{} answers with a broken header", bdf.str());
    }
    const std::string power = text_of(folder, "power_state");
    // Without a driver the kernel does not say; with leave to sleep it may.
    const bool may_sleep = text_of(folder, "power/control") != "on";
    if (!may_sleep && power.starts_with("D") && power != "D0") {
        return fmt::format("{} stays in {}", bdf.str(), power);
    }
    if (has_lost_addresses(folder, *header)) {
        return fmt::format("{} has lost its memory addresses", bdf.str());
    }
    return std::nullopt;
}

}  // namespace

Vitals look_at_vitals(int folder, const Bdf& bdf) {
    Vitals vitals;
    vitals.illness = illness_of(folder, bdf);
    vitals.link_width = static_cast<int>(number_in(text_of(folder, "current_link_width")));
    vitals.link_speed = text_of(folder, "current_link_speed");
    vitals.errors =
        total_of(text_of(folder, "aer_dev_fatal")) + total_of(text_of(folder, "aer_dev_nonfatal"));
    return vitals;
}

std::optional<std::string> what_got_worse(const Bdf& bdf, const Vitals& before, const Vitals& now) {
    if (now.link_width < before.link_width) {
        return fmt::format("the link of {} came back with {} of {} lanes", bdf.str(),
                           now.link_width, before.link_width);
    }
    if (now.errors > before.errors) {
        return fmt::format("{} reported {} errors meanwhile (AER)", bdf.str(),
                           now.errors - before.errors);
    }
    return std::nullopt;
}

}  // namespace passthru
