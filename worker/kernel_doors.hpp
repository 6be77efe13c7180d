// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/bdf.hpp"
#include "libpassthru/pci/sysfs.hpp"
#include "worker/services.hpp"
#include "worker/sleep_in_ram.hpp"
#include "worker/vfio_hot_reset.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

namespace passthru {

/// Opens, writes `value` to the attribute `name` below the open folder, closes, and returns 0 or
/// errno. May block for ever.
[[nodiscard]] int write_attribute(int folder, const char* name, std::string_view value);

/// Makes this user the owner of a device node, and returns 0 or errno.
[[nodiscard]] int give_node_to(const std::filesystem::path& node, std::uint32_t user);

/// Everything by which the worker changes something; tests have their own.
struct KernelDoors {
    std::function<int(int folder, const char* name, std::string_view value)> write =
        write_attribute;
    std::function<int(const Root& root, const std::vector<Bdf>& functions)> hot_reset =
        vfio_hot_reset;
    std::function<Result<void>(const Root& root)> sleep = sleep_in_ram;
    std::function<int(const std::filesystem::path& node, std::uint32_t user)> give_node =
        give_node_to;
    std::function<Result<void>(const std::string& service, int interrupt)> stop_service =
        passthru::stop_service;
    std::function<Result<void>(const std::string& service)> start_service = passthru::start_service;
};

}  // namespace passthru
