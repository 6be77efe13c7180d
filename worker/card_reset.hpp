// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/sysfs.hpp"
#include "libpassthru/plan/step.hpp"
#include "libpassthru/reset/health.hpp"
#include "libpassthru/reset/reset_trial.hpp"
#include "worker/kernel_doors.hpp"

#include <functional>
#include <map>

namespace passthru {

/// Resets one card, one way after the other until it is well.
class CardReset {
public:
    struct Doors {
        const Root& root;
        const KernelDoors& kernel;
        /// The open folders of all functions of the plan; those of a card that was removed and
        /// found again are opened anew.
        std::map<Bdf, int>& folders;
        std::function<void(const ResetTrial&)> report;
        std::function<bool()> cancelled;
    };

    CardReset(const step::Reset& step, Doors doors) : step_(step), doors_(std::move(doors)) {}

    /// Fails with NeedsReboot when the card is not well in the end, with ResetFailed where no way
    /// worked though one had to, with InUse when a host driver has one of its functions.
    [[nodiscard]] Result<void> run();

private:
    [[nodiscard]] std::optional<Error> in_use(const std::vector<Bdf>& functions) const;
    [[nodiscard]] std::optional<std::string> illness() const;
    [[nodiscard]] std::optional<std::string> trouble_since(
        const std::map<Bdf, Vitals>& before) const;
    [[nodiscard]] std::map<Bdf, Vitals> vitals() const;
    [[nodiscard]] ResetTrial attempt(const ResetAttempt& attempt) const;

    struct Outcome {
        TrialEnd end = TrialEnd::Well;
        std::string message;
    };
    [[nodiscard]] Outcome perform(const ResetAttempt& attempt) const;
    [[nodiscard]] Outcome by_attribute(const Bdf& bdf, const std::string& method) const;
    [[nodiscard]] Outcome by_bridge(const ResetAttempt& attempt) const;
    /// `meanwhile` is done while the card is away.
    [[nodiscard]] Outcome by_removal(const ResetAttempt& attempt,
                                     const std::function<Outcome()>& meanwhile) const;
    [[nodiscard]] Outcome by_sleep() const;

    const step::Reset& step_;
    Doors doors_;
};

}  // namespace passthru
