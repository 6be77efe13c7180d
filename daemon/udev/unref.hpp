// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <libudev.h>

namespace passthru {

/// Lets go of libudev's objects.
struct Unref {
    void operator()(udev* it) const { udev_unref(it); }
    void operator()(udev_device* it) const { udev_device_unref(it); }
    void operator()(udev_hwdb* it) const { udev_hwdb_unref(it); }
    void operator()(udev_monitor* it) const { udev_monitor_unref(it); }
};

}  // namespace passthru
