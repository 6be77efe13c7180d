// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/udev/hwdb.hpp"

#include "daemon/udev/unref.hpp"

#include <memory>
#include <string_view>

namespace passthru {

DeviceNames lookup_names(const std::string& modalias) {
    DeviceNames names;
    const std::unique_ptr<udev, Unref> context(udev_new());
    if (!context) return names;
    // Opened anew for each look-up: it only maps a file, and an update of the database is seen.
    const std::unique_ptr<udev_hwdb, Unref> database(udev_hwdb_new(context.get()));
    if (!database) return names;
    // The list belongs to the database and lives until the next look-up.
    udev_list_entry* entry =
        udev_hwdb_get_properties_list_entry(database.get(), modalias.c_str(), 0);
    for (; entry != nullptr; entry = udev_list_entry_get_next(entry)) {
        const std::string_view key = udev_list_entry_get_name(entry);
        const char* const value = udev_list_entry_get_value(entry);
        if (value == nullptr) continue;
        if (key == "ID_VENDOR_FROM_DATABASE") names.vendor = value;
        if (key == "ID_MODEL_FROM_DATABASE") names.model = value;
    }
    return names;
}

}  // namespace passthru
