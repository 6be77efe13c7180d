// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "tests/bus/client.hpp"
#include "tests/fakes/fake_kernel.hpp"
#include "tests/fakes/private_bus.hpp"

#include <gtest/gtest.h>
#include <memory>

namespace passthru::bus_test {

inline constexpr const char* manager = "org.passthru1.Manager";
inline constexpr const char* gpu_interface = "org.passthru1.Gpu";
inline constexpr const char* invalid_args = "org.freedesktop.DBus.Error.InvalidArgs";
inline constexpr const char* first_gpu = "/org/passthru1/gpu/0000_01_00_0";
inline constexpr const char* second_gpu = "/org/passthru1/gpu/0000_02_00_0";
/// The domain that runs on libvirt's test:///default, so that passthrud does not take its GPU back.
inline constexpr const char* running_uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";

/// The real passthrud on a bus of its own, on a machine with two cards.
class DaemonOnABus : public testing::Test {
protected:
    DaemonOnABus();
    ~DaemonOnABus() override;

    /// Starts passthrud and waits until it serves.
    void start();
    /// Its exit status, or minus the signal that ended it.
    int end(int signal);
    [[nodiscard]] std::vector<std::string> command() const;
    [[nodiscard]] std::string log() const;

    Answer detach(const char* gpu) {
        return client_->call({gpu, gpu_interface, "Detach"}, "a{sv}", 0);
    }
    Answer reattach(const char* gpu) {
        return client_->call({gpu, gpu_interface, "Reattach"}, "a{sv}", 0);
    }
    Client::Pending start_detach(const char* gpu) {
        return client_->start({gpu, gpu_interface, "Detach"}, "a{sv}", 0);
    }
    /// As libvirt's hook; `xml` goes as a memfd.
    Answer notify(const char* operation, const char* suboperation, const std::string& xml,
                  const char* uuid = running_uuid);
    [[nodiscard]] static std::string domain_with(const std::vector<int>& buses,
                                                 const char* uuid = running_uuid);
    [[nodiscard]] std::string state(const char* gpu) {
        return client_->property(gpu, gpu_interface, "State").text;
    }
    [[nodiscard]] std::string owner(const char* gpu) {
        return client_->property(gpu, gpu_interface, "Owner").text;
    }
    void wait_for_a_blocked_write();
    void wait_for_state(const char* gpu, const std::string& state);
    [[nodiscard]] std::string changes_of_the_machine() const;

    const fakes::FakeKernel kernel_{R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel
        00:06.0 0604 8086:464d group 2 driver pcieport
          02:00.0 0300 1002:73bf group 3 driver amdgpu
          02:00.1 0403 1002:ab28 group 4 driver snd_hda_intel
    )"};
    const std::string untouched_ = kernel_.dump();
    const fakes::PrivateBus bus_;
    std::string step_limit_ = "60";        ///< seconds
    std::vector<std::string> more_words_;  ///< for the command line
    pid_t passthrud_ = -1;
    std::unique_ptr<Client> client_;
};

}  // namespace passthru::bus_test
