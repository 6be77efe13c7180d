// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/assignment.hpp"
#include "libpassthru/pci/sysfs.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace passthru {

/// What a restart must know: one file for each device set that is not at rest on the host, named by
/// its GPU, in JSON that a person can read. A file is replaced as a whole, so that it is always
/// either the old or the new one. It is worth nothing after a reboot and says of which boot it is.
class Journal {
public:
    /// Keeps its files in `folder`, which is made when it does not exist.
    Journal(std::filesystem::path folder, std::string boot_id);

    /// What was written in this boot, by the set's GPU. A file that is damaged, of another boot or
    /// of a newer version is set aside as `NAME.rejected` and named in `complaints`; nothing is
    /// guessed from it.
    struct Contents {
        std::map<Bdf, Assignment> assignments;
        std::vector<std::string> complaints;
    };
    [[nodiscard]] Contents load() const;

    /// Failed when the file system does not take it; the move must not begin then.
    [[nodiscard]] Result<void> save(const Bdf& gpu, const Assignment& assignment) const;
    void drop(const Bdf& gpu) const;

private:
    [[nodiscard]] std::filesystem::path file_of(const Bdf& gpu) const;
    [[nodiscard]] Result<std::pair<Bdf, Assignment>> parse(const std::string& text) const;

    std::filesystem::path folder_;
    std::string boot_id_;
};

/// The kernel's name for this boot.
[[nodiscard]] std::string read_boot_id(const Root& root);

}  // namespace passthru
