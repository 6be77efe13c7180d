// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/rom.hpp"

#include "tests/fakes/fake_kernel.hpp"
#include "tests/fakes/option_rom.hpp"

#include <cerrno>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

namespace passthru {
namespace {

using fakes::Fault;
using fakes::rom_image;
using fakes::operator""_bdf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ARom : public testing::Test {
protected:
    void put_rom(const std::string& data) const {
        kernel_.put("sys/bus/pci/devices/0000:01:00.0/rom", data);
    }
    [[nodiscard]] Result<int> read() const {
        return read_rom(Root(kernel_.path()), gpu_, fakes::FakeKernel::doors(kernel_.path()));
    }
    [[nodiscard]] Error refusal() const {
        const auto rom = read();
        EXPECT_FALSE(rom);
        return rom ? Error{} : rom.error();
    }

    const Bdf gpu_ = "01:00.0"_bdf;
    const fakes::FakeKernel kernel_{"01:00.0 0300 10de:2489 group 1 driver vfio-pci"};
};

TEST_F(ARom, ComesInASealedFileThatIsAsLongAsItsImages) {
    put_rom(rom_image(300, true) + std::string(70'000, '\xff'));
    const auto rom = read();
    ASSERT_TRUE(rom) << rom.error().message;
    std::string data(200'000, 0);
    const ssize_t got = ::read(*rom, data.data(), data.size());
    EXPECT_EQ(data.substr(0, static_cast<std::size_t>(got)), rom_image(300, true));
    EXPECT_LT(::write(*rom, "x", 1), 0);
    EXPECT_EQ(errno, EPERM);
    ::close(*rom);
    EXPECT_THAT(kernel_.writes(), ElementsAre("rom 0000:01:00.0 1", "rom 0000:01:00.0 0"));
}

TEST_F(ARom, IsHiddenAgainWhenItShowsNone) {
    put_rom(std::string(4096, '\xff'));
    EXPECT_THAT(refusal().message, HasSubstr("no expansion ROM"));
    EXPECT_THAT(kernel_.writes(), ElementsAre("rom 0000:01:00.0 1", "rom 0000:01:00.0 0"));
}

TEST_F(ARom, MayBeMissing) {
    EXPECT_EQ(refusal().message, "0000:01:00.0 has no expansion ROM");
}

TEST_F(ARom, IsNotReadBesideADriverOfTheHost) {
    const fakes::FakeKernel kernel{"01:00.0 0300 10de:2489 group 1 driver nouveau"};
    kernel.put("sys/bus/pci/devices/0000:01:00.0/rom", rom_image(4, true));
    const auto rom = read_rom(Root(kernel.path()), gpu_, fakes::FakeKernel::doors(kernel.path()));
    ASSERT_FALSE(rom);
    EXPECT_EQ(rom.error().code, Errc::InUse);
    EXPECT_THAT(rom.error().message, HasSubstr("nouveau"));
    EXPECT_THAT(kernel.writes(), IsEmpty());
}

TEST_F(ARom, TellsWhatTheKernelSays) {
    put_rom(rom_image(4, true));
    kernel_.plan_fault("rom", gpu_, Fault::InputOutput);
    EXPECT_EQ(refusal().errnum, EIO);
    kernel_.unplug(gpu_);
    EXPECT_EQ(refusal().code, Errc::NoSuchGpu);
}

}  // namespace
}  // namespace passthru
