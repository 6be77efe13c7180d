// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/notice.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

namespace passthru {
namespace {

/// As syslog(3) has them.
int priority_of(spdlog::level::level_enum level) {
    switch (level) {
        case spdlog::level::critical: return 2;
        case spdlog::level::err: return 3;
        case spdlog::level::warn: return 4;
        case spdlog::level::info: return 6;
        default: return 7;
    }
}

}  // namespace

void tell(const Notice& notice) {
    if (!spdlog::should_log(notice.level)) return;
    const std::string text = fmt::format("gpu={} {}", notice.gpu.str(), notice.text);
    if (std::getenv("JOURNAL_STREAM") == nullptr) return spdlog::log(notice.level, "{}", text);
    std::vector<std::string> entry{
        fmt::format("MESSAGE={}", text),
        fmt::format("MESSAGE_ID={}", notice.id),
        fmt::format("PRIORITY={}", priority_of(notice.level)),
        "SYSLOG_IDENTIFIER=passthrud",
        fmt::format("PASSTHRU_GPU={}", notice.gpu.str()),
    };
    for (const auto& [name, value] : notice.fields) {
        if (!value.empty()) entry.push_back(fmt::format("PASSTHRU_{}={}", name, value));
    }
    std::vector<iovec> parts;
    for (std::string& it : entry) parts.push_back({it.data(), it.size()});
    sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

}  // namespace passthru
