// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/bus/sdbus_compat.hpp"

#include <memory>

namespace passthru {

/// The answer that a caller waits for. Given once; a Reply that is thrown away without one answers
/// by itself, so that no caller hangs.
class Reply {
public:
    explicit Reply(sdbus::Result<>&& result)
        : result_(std::make_unique<sdbus::Result<>>(std::move(result))) {}
    Reply(Reply&&) noexcept = default;
    Reply& operator=(Reply&&) noexcept = default;
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;
    ~Reply() { give(fail(Errc::Failed, "passthrud is ending")); }

    void give(const Result<void>& result) noexcept {
        if (!result_) return;
        try {
            if (result) {
                result_->returnResults();
            } else {
                result_->returnError(to_dbus(result.error()));
            }
            // NOLINTNEXTLINE(bugprone-empty-catch)
        } catch (const sdbus::Error&) {
            // The caller or the bus is gone.
        }
        result_.reset();
    }

private:
    std::unique_ptr<sdbus::Result<>> result_;
};

}  // namespace passthru
