// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/checks.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace passthru {
namespace {

/// Graphics of the management controllers that servers have for their remote console. Source: the
/// id tables of the kernel's drivers for them, drivers/gpu/drm/ast/ast_drv.c, mgag200/mgag200_drv.c
/// and hisilicon/hibmc/hibmc_drm_drv.c.
bool is_server_console(const PciId& id) {
    constexpr std::uint16_t aspeed = 0x1a03;
    constexpr std::uint16_t matrox = 0x102b;
    constexpr PciId hibmc{0x19e5, 0x1711};
    const bool g200_server = id.vendor == matrox && id.device >= 0x0522 && id.device <= 0x0538;
    return id.vendor == aspeed || g200_server || id == hibmc;
}

std::vector<const Function*> gpus_left(const DetachCase& it) {
    std::vector<const Function*> others;
    for (const auto& [bdf, function] : it.inventory.functions) {
        // One that the caller takes as well is none that is left.
        const bool left = !it.set.contains(bdf) && !it.wishes.lists(bdf);
        if (function.is_gpu() && left) others.push_back(&function);
    }
    return others;
}

/// Does the host show its desktop on it, and on nothing else?
bool is_only_display(const Function& gpu, const DetachCase& it) {
    if (!gpu.is_display() || gpu.is_virtual || gpu.on_stub()) return false;
    const std::vector<const Function*> others = gpus_left(it);
    const auto shows = [](const Function* other) {
        return other->is_display() && !other->is_virtual && !other->on_stub();
    };
    if (std::ranges::any_of(others, shows)) return false;
    if (it.inventory.tells_drivers()) return gpu.driver.has_value();
    // A picture without drivers that shows nothing but this card shows no whole computer.
    return !others.empty();
}

}  // namespace

Refusals check_display(const DetachCase& it) {
    Refusals refusals;
    if (it.wishes.policy.boot_gpu == BootGpuRule::Allow ||
        it.wishes.overrides_check(Errc::BootGpu)) {
        return refusals;
    }
    const auto refuse = [&](const Bdf& bdf, std::string_view what) {
        refusals.push_back(
            {Errc::BootGpu, bdf, "", fmt::format("GPU {} {}", bdf.str(), what),
             "choose another GPU for the VM, or allow it with boot-gpu = \"allow\" for this GPU in "
             "passthrud.conf(5)"});
    };
    for (const Bdf& bdf : it.set.with_role(Role::Gpu)) {
        const Function& gpu = it.inventory.functions.at(bdf);
        if (gpu.boot_vga) {
            refuse(bdf, "is the one that this computer booted on and shows its console");
        } else if (is_server_console(gpu.id)) {
            refuse(bdf, "is the console of the server's management controller");
        } else if (is_only_display(gpu, it)) {
            refuse(bdf, "is the only one left to show a picture of this computer");
        }
    }
    return refusals;
}

}  // namespace passthru
