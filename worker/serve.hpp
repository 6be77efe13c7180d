// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "worker/executor.hpp"

namespace passthru {

/// Takes one plan from the connected SOCK_SEQPACKET `socket`, runs it, reports each step, and
/// returns the process's exit status: 0 when the plan was run or the daemon hung up before it sent
/// one, 1 when what came was no plan. A daemon that goes away in the middle does not stop the plan:
/// a set that is wholly moved is easier to adopt than half of one.
[[nodiscard]] int serve_one_plan(int socket, const Root& root, const KernelDoors& kernel = {});

}  // namespace passthru
