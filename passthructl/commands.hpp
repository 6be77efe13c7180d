// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/sysfs.hpp"
#include "passthructl/bus.hpp"
#include "passthructl/show.hpp"
#include "passthructl/taking.hpp"

namespace passthru::ctl {

/// How answers are printed.
enum class Format { Text, Json };

/// What applies to every command.
struct Common {
    std::optional<Root> root;  ///< read this tree instead of asking the daemon
    BusChoice bus;
    Format format = Format::Text;
    Screen screen;
};

/// A move as its caller wants it.
struct MoveWishes {
    std::string verb;  ///< `detach`, `reattach` or `reset`
    std::string gpu;
    std::string method;  ///< of a reset; empty leaves it to passthrud
    Taking taking;       ///< of a detach
};

[[nodiscard]] Exit list(const Common& common);
/// Every GPU as `ADDRESS<tab>NAME`, for shells; never starts passthrud.
[[nodiscard]] Exit complete_gpus(const Common& common);
/// Of all GPUs where `gpu` is empty.
[[nodiscard]] Exit status(const Common& common, const std::string& gpu);
[[nodiscard]] Exit plan(const Common& common, const std::string& action, const std::string& gpu);
[[nodiscard]] Exit owner(const Common& common, const std::string& gpu);
[[nodiscard]] Exit holders(const Common& common, const std::string& gpu);
/// What is wrong with the computer for giving its GPUs to VMs, or to this one where `vm` is not
/// empty (see `domain_xml`); Failed where one cannot be given.
[[nodiscard]] Exit doctor(const Common& common, const std::string& vm);
/// The configuration that counts, from the files.
[[nodiscard]] Exit config(const Common& common);
/// Writes a GPU's expansion ROM to a new file.
[[nodiscard]] Exit dump_rom(const Common& common, const std::string& gpu, const std::string& file);
[[nodiscard]] Exit forget(const Common& common, const std::string& domain);
/// Prints what changes of the GPUs until SIGINT or SIGTERM.
[[nodiscard]] Exit watch(const Common& common);
/// Borrows a GPU, runs a command with it, and ends with the command's exit status, or 128 and the
/// number of the signal that ended it. The lease lasts as long as this process, the command or
/// whatever inherits the descriptor. 125 when the GPU cannot be had, 126 when the command cannot be
/// run, 127 when there is none of its name, as timeout(1) has it.
[[nodiscard]] Exit run(const Common& common, const std::string& gpu, const Taking& taking,
                       const std::vector<std::string>& command);
/// Waits to the end; Ctrl-C cancels it.
[[nodiscard]] Exit move(const Common& common, const MoveWishes& wishes);

}  // namespace passthru::ctl
