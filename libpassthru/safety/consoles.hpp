// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/safety/device_nodes.hpp"

namespace passthru {

/// Does the kernel show its text console on this framebuffer? It does on `/dev/fb0` while a
/// `/sys/class/vtconsole/vtcon*` of the kind `frame buffer device` is bound: the console is put on
/// the first framebuffer that comes (drivers/video/fbdev/core/fbcon.c:do_fbcon_takeover). Which it
/// is after that one went, or with `fbcon=map:`, only the framebuffers' ioctl would tell; as
/// nothing depends on it but a word to the user, it is not asked.
[[nodiscard]] bool console_is_on(const Root& root, const DeviceNode& framebuffer);

}  // namespace passthru
