// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/inventory.hpp"
#include "tests/fakes/kernel_tree.hpp"
#include "worker/executor.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace passthru::fakes {

/// What goes wrong with a write.
enum class Fault {
    Busy,         ///< EBUSY, nothing is done
    NoDevice,     ///< ENODEV, nothing is done
    InputOutput,  ///< EIO, nothing is done
    Invalid,      ///< EINVAL, nothing is done
    NoEffect,     ///< success, and nothing is done
    LateError,    ///< done, and EIO all the same
    Block,        ///< does not come back until `FakeKernel::unblock`; then it is done
    Unplug,       ///< the function disappears meanwhile, and ENODEV
    UnplugCard,   ///< every function of its slot does
};

/// A machine in a temporary folder: reads are real reads, and what is done through `doors` is
/// played as the kernel would. Drawn as `parse_world` reads it; loaded are the drivers that
/// somebody uses, and vfio-pci. Another process may play on the same folder (`passthru-fake-worker
/// --root DIR`).
class FakeKernel {
public:
    explicit FakeKernel(std::string_view drawing) : FakeKernel(parse_world(drawing)) {}
    explicit FakeKernel(const World& world);
    ~FakeKernel();
    FakeKernel(const FakeKernel&) = delete;
    FakeKernel& operator=(const FakeKernel&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return kernel_.tree(); }
    [[nodiscard]] Root root() const { return Root(path()); }
    [[nodiscard]] Inventory inventory() const { return read_inventory(root()); }
    [[nodiscard]] KernelDoors doors() const { return doors(path()); }
    [[nodiscard]] static KernelDoors doors(const std::filesystem::path& tree);

    /// The write number `nth` from now to `attribute` (`unbind`, `drivers_probe`,
    /// `driver_override`, `bind`, `reset`, `reset_method`, `remove`, `rescan`) for this function
    /// goes wrong; 0 means every one.
    void plan_fault(std::string_view attribute, const Bdf& bdf, Fault fault, int nth = 1) const;
    void clear_faults() const;
    /// Is a write hanging, or a worker pausing, in whatever process?
    [[nodiscard]] bool has_blocked_write() const;
    void unblock() const;
    /// Another program's unbind hangs in the driver of this function, with the device's lock: a
    /// worker that is asked for its driver_override waits as well, until `unlock`.
    void lock(const Bdf& bdf) const;
    void unlock(const Bdf& bdf) const;
    /// Nothing hangs any more, and never will.
    void let_everything_go() const;

    /// QEMU opens the function: its enable count rises and a process `qemu-system-x86` holds the
    /// group's node. False, and nothing is done, when the group is not viable or the function is
    /// not on a stub driver.
    bool open_by_guest(const Bdf& bdf) const;
    void close_by_guest(const Bdf& bdf) const;
    /// A process that has these nodes open, such as `/dev/dri/card0`.
    void add_process(pid_t pid, std::string_view command,
                     const std::vector<std::string>& nodes) const;
    void end_process(pid_t pid) const;
    /// systemd runs this service from now on, until `doors` stop it.
    void run_service(const std::string& service) const;
    [[nodiscard]] bool runs_service(const std::string& service) const;

    void load_driver(std::string_view driver) const { kernel_.load_driver(driver); }
    void unload_driver(std::string_view driver) const;
    /// The card is pulled out, without asking anybody.
    void unplug(const Bdf& bdf) const { kernel_.unplug(bdf); }
    void unplug_card(const Bdf& bdf) const { kernel_.unplug_card(bdf); }
    /// All that was pulled out is there again, with what the kernel binds it to.
    void replug() const { kernel_.replug(); }
    /// Reads of config space give all ones from now on.
    void power_off(const Bdf& bdf) const;
    /// What comes of a reset of this function by this method; else it stays as it is.
    enum class ResetEffect {
        Heals,   ///< it answers
        Dies,    ///< it does not answer any more
        Sleeps,  ///< it stays in D3hot, whatever power/control says
    };
    void plan_reset_effect(const Bdf& bdf, std::string_view method, ResetEffect effect) const;
    /// A module such as vendor-reset is loaded: the kernel takes `device_specific` though the list
    /// from when it found the function does not have it.
    void offer_device_specific(const Bdf& bdf) const;
    /// Who owns a device node, such as `/dev/vfio/12`.
    [[nodiscard]] std::uint32_t user_of(std::string_view node) const;
    /// `flr 0000:01:00.0`: every reset that was done, in order.
    [[nodiscard]] std::vector<std::string> resets() const;
    /// Another tool moves the function, with no fault in its way; no driver unbinds it only.
    void move(const Bdf& bdf, std::optional<std::string> driver) const;
    void put(const std::filesystem::path& file, std::string_view text) const;

    [[nodiscard]] std::optional<std::string> driver_of(const Bdf& bdf) const {
        return kernel_.driver_of(bdf);
    }
    [[nodiscard]] std::string attribute(const Bdf& bdf, std::string_view name) const;
    /// Every folder, link and file below `sys` and `dev`, with its target or content; `bdf` cuts it
    /// to one function.
    [[nodiscard]] std::string dump() const;
    /// `unbind 0000:01:00.0`, `driver_override 0000:01:00.0 vfio-pci` …: all writes so far, in
    /// order.
    [[nodiscard]] std::vector<std::string> writes() const;
    /// What would have hurt a real machine, such as a reset under a live driver or a write to a
    /// bridge.
    [[nodiscard]] std::vector<std::string> accidents() const;

private:
    KernelTree kernel_;
};

/// `"01:00.0"_bdf`.
[[nodiscard]] Bdf operator""_bdf(const char* text, std::size_t length);

}  // namespace passthru::fakes
