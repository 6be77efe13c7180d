// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/safety/holders.hpp"
#include "tests/fakes/fake_kernel.hpp"
#include "tests/unit/program.hpp"

#include <filesystem>
#include <gtest/gtest.h>
#include <memory>

namespace passthru {

inline constexpr const char* of_session = "0::/user.slice/user-1000.slice/session-2.scope\n";
inline constexpr const char* of_service = "0::/system.slice/persistence.service\n";
inline constexpr const char* of_udev = "0::/system.slice/systemd-udevd.service/udev\n";

/// A card whose node is a terminal of our own, which no other program of this computer opens.
class ACardInUse : public testing::Test {
protected:
    ACardInUse() {
        kernel_.put("sys/bus/pci/devices/0000:01:00.0/drm/card0/dev", node_.number() + "\n");
        kernel_.put("sys/bus/pci/devices/0000:01:00.0/drm/card0/uevent",
                    "DEVNAME=" + node_.path().substr(5) + "\n");
    }
    /// A program that has the node open.
    [[nodiscard]] std::unique_ptr<Program> program(const std::string& cgroup = of_service) const {
        auto program = std::make_unique<Program>(node_.path());
        show(*program, cgroup);
        return program;
    }
    void show(const Program& program, const std::string& cgroup) const {
        const auto folder = kernel_.path() / "proc" / program.name();
        kernel_.put(folder / "cgroup", cgroup);
        for (const char* file : {"fd", "exe", "maps", "comm"}) {
            std::filesystem::create_symlink("/proc/" + program.name() + "/" + file, folder / file);
        }
    }
    [[nodiscard]] std::vector<Holder> holders() const {
        return find_holders(kernel_.root(), {gpu_});
    }

    const Bdf gpu_{0, 1, 0, 0};
    const fakes::FakeKernel kernel_{"01:00.0 0300 10de:2489 group 1 driver nouveau"};
    const Terminal node_;
};

}  // namespace passthru
