// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/function.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace passthru {

/// At which end of a VM a card is reset.
enum class ResetWhen { AfterStop, BeforeStart, Both, Never };

/// May the card sleep that deep while it is lent?
enum class SleepRule {
    Leave,   ///< as the host has it set
    Forbid,  ///< it does not wake from it
};

enum class RemoveRescanRule {
    WhenDead,  ///< the last thing that is tried for a card that does not answer
    Never,
};

/// What is known about one card beyond what the kernel tells: quirk files, merged key by key.
struct CardQuirk {
    std::vector<std::string> prefer;  ///< methods that are tried first, also where the kernel does
                                      ///< not list them
    std::vector<std::string> avoid;   ///< methods that are never tried
    ResetWhen when = ResetWhen::AfterStop;
    std::chrono::milliseconds wait{0};     ///< after a reset, before the card is looked at
    SleepRule d3cold = SleepRule::Leave;   ///< Forbid: `d3cold_allowed` = 0 while it is lent
    SleepRule idle_d3 = SleepRule::Leave;  ///< Forbid: `power/control` = on while it is lent
    bool companions_too = false;           ///< its audio function needs a reset of its own
    RemoveRescanRule remove_rescan = RemoveRescanRule::WhenDead;
    std::string advice;  ///< a sentence for the person whose card is not well after a reset

    bool operator==(const CardQuirk&) const = default;
};

/// One `[[quirk]]` of a file: whom it is about, and what it says. An empty part fits everybody.
struct Quirk {
    struct Devices {
        std::uint16_t first = 0;
        std::uint16_t last = 0;
        bool operator==(const Devices&) const = default;
    };
    struct Subsystem {
        std::uint16_t vendor = 0;
        std::optional<std::uint16_t> device;  ///< none: every card of that maker
        bool operator==(const Subsystem&) const = default;
    };
    /// `03`, `0300`: what the class code has to begin with.
    struct Class {
        ClassCode code = 0;
        ClassCode mask = 0;
        bool operator==(const Class&) const = default;
    };

    std::optional<std::uint16_t> vendor;
    std::vector<Devices> devices;
    std::optional<Subsystem> subsystem;
    std::optional<Class> class_code;

    std::optional<std::vector<std::string>> prefer;
    std::optional<std::vector<std::string>> avoid;
    std::optional<ResetWhen> when;
    std::optional<std::chrono::milliseconds> wait;
    std::optional<SleepRule> d3cold;
    std::optional<SleepRule> idle_d3;
    std::optional<bool> companions_too;
    std::optional<RemoveRescanRule> remove_rescan;
    std::optional<std::string> advice;

    bool operator==(const Quirk&) const = default;

    [[nodiscard]] bool fits(const Function& function) const;
    /// How exactly it names a card: subsystem over device over vendor over class.
    [[nodiscard]] int exactness() const;
};

/// What all quirk files together say.
class Quirks {
public:
    Quirks() = default;
    /// In the order of files and of entries in them; of two that are equally exact the later wins.
    explicit Quirks(std::vector<Quirk> entries);

    /// The answer for this function: of those that fit, the most exact wins, key by key.
    [[nodiscard]] CardQuirk for_function(const Function& function) const;

    [[nodiscard]] const std::vector<Quirk>& entries() const { return entries_; }

    bool operator==(const Quirks&) const = default;

private:
    std::vector<Quirk> entries_;  ///< the least exact first
};

/// What could be read, and what could not.
struct ReadQuirks {
    Quirks quirks;
    std::vector<std::string> problems;  ///< `FILE:LINE:COLUMN: …`
};

/// Reads `passthrud/quirks.d/*.toml` below the root's data folder, /run and /etc, with systemd's
/// precedence: a name in a later folder of these replaces the same name in an earlier one, and a
/// link to /dev/null takes it out. Whatever is wrong in a file is told, and the rest of it used: a
/// computer whose cards are reset by half of what is known is better off than one that knows
/// nothing.
[[nodiscard]] ReadQuirks read_quirk_files(const Root& root);

}  // namespace passthru
