// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>

namespace passthru::ctl {

/// Asks in this terminal for the passwords that polkit wants of this process, with pkttyagent(1),
/// as long as it exists. Nothing where it is not installed, where there is no terminal, and for
/// root, whom polkit is not asked about.
class PasswordAgent {
public:
    PasswordAgent();
    ~PasswordAgent();
    PasswordAgent(const PasswordAgent&) = delete;
    PasswordAgent& operator=(const PasswordAgent&) = delete;

private:
    pid_t agent_ = -1;
};

}  // namespace passthru::ctl
