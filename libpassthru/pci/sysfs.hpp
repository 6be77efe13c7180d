// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace passthru {

/// Where the machine is read from. `/` on a real one; tests and `--root` give a folder that holds
/// `sys`, `proc`, `dev` and `etc`.
class Root {
public:
    explicit Root(std::filesystem::path path = "/") : path_(std::move(path)) {}

    /// `below("sys/bus/pci")`: an absolute path inside this root.
    [[nodiscard]] std::filesystem::path below(std::string_view relative) const {
        return path_ / relative;
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// The attribute's text without the final newline; nothing when it cannot be read. Reads 64 KiB at
/// most.
[[nodiscard]] std::optional<std::string> read_attribute(const std::filesystem::path& file);

/// The same of the attribute `name` below an open folder.
[[nodiscard]] std::optional<std::string> read_attribute_at(int folder, const char* name);

/// The last component of what a symbolic link points to (`driver` → `vfio-pci`); nothing when there
/// is no link.
[[nodiscard]] std::optional<std::string> read_link_name(const std::filesystem::path& link);

/// Is this the name of a driver that holds a function for VFIO: `vfio-pci` or one of the kernel's
/// variants
/// (`mlx5_vfio_pci`, `xe-vfio-pci`, `nvgrace-gpu-vfio-pci`)?
[[nodiscard]] bool is_stub_driver(std::string_view driver);

}  // namespace passthru
