// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/progress.hpp"

#include "passthructl/show.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace passthru::ctl {

Progress::Progress(std::string gpu)
    : gpu_(std::move(gpu)), on_terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
    clear();
}

void Progress::show(const JobRow& job) {
    if (!on_terminal_) return;
    const std::string line = fmt::format("{}: {}", gpu_, printable(job_text(job)));
    // The last column stays free: some terminals would begin a new line after it.
    fmt::print(stderr, "\r{}\x1b[K", cut(line, terminal_width(STDERR_FILENO) - 1));
    std::fflush(stderr);
    shown_ = true;
}

void Progress::clear() {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
    shown_ = false;
}

}  // namespace passthru::ctl
