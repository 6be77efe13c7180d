// SPDX-License-Identifier: LGPL-2.1-or-later
// What other tests rely on: that the fake kernel does what a real one does.
#include "tests/unit/run.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;

class TheFakeKernel : public testing::Test {
protected:
    [[nodiscard]] int write(const char* folder, const char* name, std::string_view value) const {
        const int fd = ::open((kernel_.path() / folder).c_str(), O_RDONLY | O_DIRECTORY);
        const int error = kernel_.doors().write(fd, name, value);
        ::close(fd);
        return error;
    }

    static constexpr const char* gpu_folder = "sys/bus/pci/devices/0000:01:00.0";
    const Bdf gpu_ = "01:00.0"_bdf;
    const Bdf audio_ = "01:00.1"_bdf;
    const FakeKernel kernel_{R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau reset bus
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel regroup 7
    )"};
};

TEST_F(TheFakeKernel, NestsFunctionsBelowTheirBridge) {
    EXPECT_TRUE(exists(kernel_.path() / "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/vendor"));
    EXPECT_EQ(kernel_.attribute("00:01.0"_bdf, "secondary_bus_number"), "1");
}

TEST_F(TheFakeKernel, RefusesAProbeWhoseFunctionDoesNotExist) {
    EXPECT_EQ(write("sys/bus/pci", "drivers_probe", "0000:05:00.0"), ENODEV);
}

TEST_F(TheFakeKernel, CallsAProbeThatBoundNothingASuccess) {
    kernel_.move(gpu_, std::nullopt);
    EXPECT_EQ(write(gpu_folder, "driver_override", "none\n"), 0);
    EXPECT_EQ(write("sys/bus/pci", "drivers_probe", "0000:01:00.0"), 0);
    EXPECT_EQ(kernel_.driver_of(gpu_), std::nullopt);
}

TEST_F(TheFakeKernel, IgnoresAnEmptyWriteAndClearsWithANewline) {
    EXPECT_EQ(write(gpu_folder, "driver_override", "vfio-pci"), 0);
    EXPECT_EQ(write(gpu_folder, "driver_override", ""), 0);
    EXPECT_EQ(kernel_.attribute(gpu_, "driver_override"), "vfio-pci");
    EXPECT_EQ(write(gpu_folder, "driver_override", "\n"), 0);
    EXPECT_EQ(kernel_.attribute(gpu_, "driver_override"), "(null)");
}

TEST_F(TheFakeKernel, HasNoUnbindWithoutADriver) {
    EXPECT_EQ(write("sys/bus/pci/drivers/vfio-pci", "unbind", "0000:01:00.0"), ENODEV);
    kernel_.move(gpu_, std::nullopt);
    EXPECT_EQ(write(gpu_folder, "driver/unbind", "0000:01:00.0"), ENOENT);
}

TEST_F(TheFakeKernel, BindsOnlyWhatTheDriverKnowsOrTheOverrideNames) {
    kernel_.move(gpu_, std::nullopt);
    EXPECT_EQ(write("sys/bus/pci/drivers/vfio-pci", "bind", "0000:01:00.0"), ENODEV);
    EXPECT_EQ(write(gpu_folder, "driver_override", "vfio-pci"), 0);
    EXPECT_EQ(write("sys/bus/pci/drivers/nouveau", "bind", "0000:01:00.0"), ENODEV);
    EXPECT_EQ(write("sys/bus/pci/drivers/vfio-pci", "bind", "0000:01:00.0"), 0);
    EXPECT_EQ(kernel_.attribute(gpu_, "power_state"), "D3hot");
}

TEST_F(TheFakeKernel, OpensAGroupOnlyWhenNoHostDriverIsInIt) {
    kernel_.move(gpu_, "vfio-pci");
    EXPECT_FALSE(kernel_.open_by_guest(gpu_));
    kernel_.move(audio_, std::nullopt);
    EXPECT_TRUE(kernel_.open_by_guest(gpu_));
    EXPECT_EQ(write("sys/bus/pci", "drivers_probe", "0000:01:00.1"), EINVAL);
    kernel_.close_by_guest(gpu_);
    EXPECT_EQ(write("sys/bus/pci", "drivers_probe", "0000:01:00.1"), 0);
    EXPECT_EQ(kernel_.driver_of(audio_), "snd_hda_intel");
}

TEST_F(TheFakeKernel, CannotResetByTheBusACardOfTwoFunctions) {
    kernel_.move(gpu_, "vfio-pci");
    EXPECT_EQ(write(gpu_folder, "reset", "1"), ENOTTY);
    EXPECT_TRUE(kernel_.accidents().empty());
}

TEST_F(TheFakeKernel, RemembersAResetUnderALiveDriver) {
    std::ignore = write(gpu_folder, "reset", "1");
    EXPECT_EQ(kernel_.accidents().size(), 1U);
}

TEST_F(TheFakeKernel, TakesOnlyResetMethodsThatItKnows) {
    EXPECT_EQ(write(gpu_folder, "reset_method", "device_specific"), EINVAL);
    EXPECT_EQ(write(gpu_folder, "reset_method", "\n"), 0);
    EXPECT_EQ(kernel_.attribute(gpu_, "reset_method"), "");
    EXPECT_EQ(write(gpu_folder, "reset_method", "default"), 0);
    EXPECT_EQ(kernel_.attribute(gpu_, "reset_method"), "bus");
}

TEST_F(TheFakeKernel, FindsARemovedCardAgainInAnotherGroupAndWithoutItsOverride) {
    EXPECT_EQ(write("sys/bus/pci/devices/0000:01:00.1", "driver_override", "vfio-pci"), 0);
    EXPECT_EQ(write("sys/bus/pci/devices/0000:00:01.0", "remove", "1"), 0);
    EXPECT_TRUE(kernel_.inventory().functions.empty());
    EXPECT_EQ(write("sys/bus/pci", "rescan", "1"), 0);
    const Inventory inventory = kernel_.inventory();
    EXPECT_EQ(inventory.functions.at(gpu_).driver, "nouveau");
    EXPECT_EQ(inventory.functions.at(audio_).driver_override, std::nullopt);
    EXPECT_EQ(inventory.functions.at(audio_).iommu_group, 7);
}

TEST_F(TheFakeKernel, WritesNothingThroughAFolderThatIsGone) {
    const int folder = ::open((kernel_.path() / gpu_folder).c_str(), O_RDONLY | O_DIRECTORY);
    kernel_.unplug(gpu_);
    EXPECT_EQ(kernel_.doors().write(folder, "driver_override", "vfio-pci"), ENODEV);
    ::close(folder);
}

TEST_F(TheFakeKernel, WritesNothingOutsideItsTree) {
    const int folder = ::open("/proc/self", O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(kernel_.doors().write(folder, "comm", "x"), EPERM);
    ::close(folder);
}

TEST(ADrawing, ThatMakesNoSenseIsRefusedNamingTheLine) {
    for (const char* line :
         {"x", "01:00.0", "01:00.0 0300", "01:00.0 0300 10de", "01:00.0 03zz 10de:2489",
          "01:00.0 0300 10de:2489 colour red", "01:00.0 0300 10de:2489 group"}) {
        EXPECT_THROW(std::ignore = fakes::parse_world(line), std::invalid_argument) << line;
    }
}

TEST(ADrawnFunction, IsTheSameAfterItsTrip) {
    const auto world = fakes::parse_world(
        "01:00.0 030001 10de:2489 group 1 driver a override b matches c,d reset flr,pm "
        "subsystem 1043:88c6 control auto regroup 9 boot_vga dead");
    const auto again = fakes::parse_world(line_of(world.front()));
    EXPECT_EQ(line_of(again.front()), line_of(world.front()));
}

}  // namespace
}  // namespace passthru
