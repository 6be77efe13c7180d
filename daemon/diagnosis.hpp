// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/ring.hpp"
#include "libpassthru/doctor/host_doctor.hpp"

#include <functional>

namespace passthru {

/// What passthrud finds wrong with the computer and with each GPU: what files tell, what workers
/// see, and what became of a move. One set is looked at after the other; a set that somebody has is
/// nobody's to take and is left alone. With a domain, what stands against its start: only the sets
/// that it touches and does not have yet are looked at.
void diagnose(Ring& ring, const Root& root, std::optional<DomainRequest> domain,
              std::function<void(std::vector<DoctorFinding>)> done);

}  // namespace passthru
