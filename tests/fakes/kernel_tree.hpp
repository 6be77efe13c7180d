// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "tests/fakes/world.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace passthru::fakes {

/// Where a relative link leads; empty when there is none.
[[nodiscard]] std::filesystem::path follow(const std::filesystem::path& link);

/// The 64 bytes of config space that everybody may read (PCI Local Bus 3.0, 6.1).
[[nodiscard]] std::string config_of(const FakeFunction& function);

/// Sleeps until there is no such file any more.
void wait_until_removed(const std::filesystem::path& file);
/// Makes the file, for others to see, and sleeps until one of them has removed it. In a folder that
/// is gone nobody sleeps.
void stand_at(const std::filesystem::path& mark);

/// What the kernel does to a folder that looks like `/`: the deeds behind the attributes. Has no
/// state of its own; all of it lies in the tree, below `sys` and `dev` as on a real machine and
/// below `fake` what a real kernel keeps to itself, so that several processes may play on one tree.
class KernelTree {
public:
    explicit KernelTree(std::filesystem::path tree) : tree_(std::move(tree)) {}

    /// The function's folder, `…/sys/devices/pci0000:00/…`; empty when there is no such function
    /// now.
    [[nodiscard]] std::filesystem::path folder(const Bdf& bdf) const;
    [[nodiscard]] std::optional<std::string> driver_of(const Bdf& bdf) const;
    /// As drawn, whatever happened since.
    [[nodiscard]] FakeFunction drawn(const Bdf& bdf) const;
    /// Is some function of this one's group open in a guest? Then no host driver may come in.
    [[nodiscard]] bool group_is_owned(const Bdf& bdf) const;
    /// The functions of its group that keep VFIO from opening it: on a host driver and no bridge.
    [[nodiscard]] std::vector<Bdf> in_the_way(const Bdf& bdf) const;

    /// The file that stands for the device's lock while another program's driver hangs with it.
    [[nodiscard]] std::filesystem::path lock_of(const Bdf& bdf) const;

    /// A function appears, bound to nothing.
    void enumerate(const FakeFunction& function) const;
    void load_driver(std::string_view driver) const;

    /// 0 or errno, as the attributes of the same names.
    [[nodiscard]] int probe(const Bdf& bdf) const;
    [[nodiscard]] int bind(const Bdf& bdf, const std::string& driver) const;
    [[nodiscard]] int unbind(const Bdf& bdf) const;
    [[nodiscard]] int reset(const Bdf& bdf) const;
    /// The bus of these functions, all of which have to be on vfio-pci.
    [[nodiscard]] int hot_reset(const std::vector<Bdf>& functions) const;
    void give_node(const std::filesystem::path& node, std::uint32_t user) const;
    /// The whole machine sleeps and wakes.
    void sleep() const;
    void set_power_control(const Bdf& bdf, const std::string& value) const;
    [[nodiscard]] int set_reset_method(const Bdf& bdf, std::string_view methods) const;
    /// Takes away the function and everything behind it; `rescan` finds all that was taken away.
    void remove(const Bdf& bdf) const;
    void rescan() const;
    /// Somebody pulls it out of its slot: no scan finds it before `replug`.
    void unplug(const Bdf& bdf) const;
    /// All functions of this one's slot.
    void unplug_card(const Bdf& bdf) const;
    void replug() const;

    /// The driver's part of binding, without asking whether it may: links, nodes, enable count and
    /// power state.
    void attach(const Bdf& bdf, const std::string& driver) const;

    /// Replaces a file as a whole, so that no reader in another process sees half of it.
    void put(const std::filesystem::path& file, std::string_view text) const;
    void add_line(std::string_view file, std::string_view line) const;
    void accident(std::string_view what) const { add_line("fake/accidents", what); }

    [[nodiscard]] const std::filesystem::path& tree() const { return tree_; }

private:
    void has_reset(const Bdf& bdf, const std::string& method) const;
    void add_nodes(const Bdf& bdf, const std::string& driver) const;
    void remove_nodes(const Bdf& bdf, const std::string& driver) const;
    void add_node(const std::filesystem::path& folder, int major, int minor,
                  std::string_view name) const;
    [[nodiscard]] int number_of(const Bdf& bdf, std::string_view kind) const;
    [[nodiscard]] std::vector<Bdf> group_of(const Bdf& bdf) const;
    void link(const std::filesystem::path& from, const std::filesystem::path& to) const;

    std::filesystem::path tree_;
};

}  // namespace passthru::fakes
