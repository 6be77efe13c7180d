// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/function_folder.hpp"

#include <filesystem>
#include <system_error>
#include <unistd.h>

namespace passthru {

std::optional<std::string> driver_of(int folder) {
    char target[512];
    const ssize_t length = ::readlinkat(folder, "driver", target, sizeof target);
    if (length <= 0) return std::nullopt;
    return std::filesystem::path(std::string(target, static_cast<std::size_t>(length)))
        .filename()
        .string();
}

std::string reason(int errnum) {
    return errnum == 0 ? "the kernel gave no reason" : std::generic_category().message(errnum);
}

}  // namespace passthru
