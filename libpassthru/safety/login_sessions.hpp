// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/sysfs.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace passthru {

/// A login session, as systemd-logind keeps it in /run/systemd/sessions.
struct LoginSession {
    std::string id;  ///< `2`
    uid_t uid = 0;
    pid_t leader = 0;            ///< the process that logged in, such as gdm-session-worker
    std::string scope;           ///< `session-2.scope`
    std::vector<dev_t> devices;  ///< what logind opened for the session's compositor

    bool operator==(const LoginSession&) const = default;
};

/// All sessions that have a leader, in order of their id. logind writes its state into these files
/// to survive its own restart and says that nobody else should parse them; sd-login does, yet has
/// no question for the devices (systemd v252, src/login/logind-session.c:session_save:
/// `DEVICES=226:1 13:64 `, only while a compositor controls the session). Where they read otherwise
/// one day, no session is found for a node, and logind itself is named.
[[nodiscard]] std::vector<LoginSession> login_sessions(const Root& root);

/// The id of the session that shows this user's desktop; empty when there is none
/// (src/login/logind-user.c:user_save: `DISPLAY=2`; what sd_uid_get_display(3) gives).
[[nodiscard]] std::string display_session_of(const Root& root, uid_t uid);

}  // namespace passthru
