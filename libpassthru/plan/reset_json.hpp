// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/reset/reset_chain.hpp"
#include "libpassthru/reset/reset_trial.hpp"

#include <nlohmann/json_fwd.hpp>

namespace passthru {

/// The parts about resets of the messages between daemon and worker. Reading throws MalformedJson
/// or one of nlohmann's exceptions.
[[nodiscard]] nlohmann::json reset_chain_to_json(const ResetChain& chain);
[[nodiscard]] ResetChain reset_chain_from_json(const nlohmann::json& object);
[[nodiscard]] nlohmann::json reset_trial_to_json(const ResetTrial& trial);
[[nodiscard]] ResetTrial reset_trial_from_json(const nlohmann::json& object);

}  // namespace passthru
