// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "passthructl/answers.hpp"

namespace passthru::ctl {

/// The line on standard error that tells how far a job is. Nothing where that is no terminal.
class Progress {
public:
    explicit Progress(std::string gpu);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void show(const JobRow& job);
    /// Takes the line away, so that something else can be printed.
    void clear();

private:
    std::string gpu_;
    bool on_terminal_;
    bool shown_ = false;
};

}  // namespace passthru::ctl
