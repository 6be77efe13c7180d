// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/bus/sdbus_compat.hpp"

#include <memory>
#include <spdlog/spdlog.h>
#include <tuple>
#include <type_traits>

namespace passthru {

/// The answer that a caller waits for: nothing, or values. Given once; a reply that is thrown
/// away without one answers by itself, so that no caller hangs. Values are given while the object
/// that was called is there: sd-bus compares them with the object's own description of the method
/// (sd-bus/bus-message.c, enforced_reply_signature). Errors may come later.
template <typename... Value>
class ReplyWith {
public:
    /// What is given: `Result<void>`, a `Result` of the value, or of a tuple of all.
    using Only = std::tuple_element_t<0, std::tuple<Value..., void*>>;
    using Given = Result<
        std::conditional_t<sizeof...(Value) == 0, void,
                           std::conditional_t<sizeof...(Value) == 1, Only, std::tuple<Value...>>>>;

    explicit ReplyWith(sdbus::Result<Value...>&& result)
        : result_(std::make_unique<sdbus::Result<Value...>>(std::move(result))) {}
    ReplyWith(ReplyWith&&) noexcept = default;
    ReplyWith& operator=(ReplyWith&&) noexcept = default;
    ReplyWith(const ReplyWith&) = delete;
    ReplyWith& operator=(const ReplyWith&) = delete;
    ~ReplyWith() { give(fail(Errc::Failed, "passthrud is ending")); }

    /// Lets go of `until_given` with the answer.
    void hold(std::shared_ptr<void> until_given) { held_ = std::move(until_given); }

    void give(const Given& given) noexcept {
        if (!result_) return;
        try {
            if (!given) {
                result_->returnError(to_dbus(given.error()));
            } else if constexpr (sizeof...(Value) == 0) {
                result_->returnResults();
            } else if constexpr (sizeof...(Value) == 1) {
                result_->returnResults(*given);
            } else {
                std::apply([this](const Value&... all) { result_->returnResults(all...); }, *given);
            }
        } catch (const sdbus::Error& error) {
            // The caller or the bus is gone.
            spdlog::debug("an answer could not be given: {}", error.what());
        }
        result_.reset();
        held_.reset();
    }

private:
    std::unique_ptr<sdbus::Result<Value...>> result_;
    std::shared_ptr<void> held_;
};

using Reply = ReplyWith<>;

}  // namespace passthru
