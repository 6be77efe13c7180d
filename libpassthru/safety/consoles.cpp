// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/consoles.hpp"

#include "libpassthru/safety/folder.hpp"

#include <string_view>

namespace passthru {

bool console_is_on(const Root& root, const DeviceNode& framebuffer) {
    if (framebuffer.path != "/dev/fb0") return false;
    const auto consoles = root.below("sys/class/vtconsole");
    bool bound = false;
    Folder(consoles.c_str()).for_each([&](const char* name) {
        // `(M) frame buffer device` (drivers/tty/vt/vt.c:show_name).
        const auto kind = read_attribute(consoles / name / "name").value_or("");
        if (kind.find("frame buffer device") == std::string::npos) return;
        bound = bound || read_attribute(consoles / name / "bind") == "1";
    });
    return bound;
}

}  // namespace passthru
