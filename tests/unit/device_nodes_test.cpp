// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/safety/device_nodes.hpp"

#include "tests/fakes/fake_kernel.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::Contains;
using testing::ElementsAre;

class TheNodesOfACard : public testing::Test {
protected:
    /// A class device below the card's function, or anywhere in sysfs.
    void add(const std::string& folder, const std::string& number, const std::string& name) const {
        kernel_.put(folder + "/dev", number + "\n");
        kernel_.put(folder + "/uevent", fmt::format("MAJOR=0\nDEVNAME={}\nSEQNUM=7\n", name));
    }

    [[nodiscard]] std::vector<std::string> nodes_of(const std::vector<Bdf>& functions) const {
        std::vector<std::string> result;
        for (const DeviceNode& it : device_nodes(kernel_.root(), functions)) {
            result.push_back(fmt::format("{} {} {}:{}", it.function.str(), it.path,
                                         major(it.number), minor(it.number)));
        }
        return result;
    }

    const FakeKernel kernel_{R"(
        00:02.0 0300 8086:4680 group 0
        01:00.0 0300 10de:2489 group 1
        01:00.1 0403 10de:228b group 1
    )"};
    const std::string card_ = "sys/bus/pci/devices/0000:01:00.0";
};

TEST_F(TheNodesOfACard, AreThoseOfItsGraphicsInOrderOfTheirNames) {
    add(card_ + "/drm/renderD129", "226:129", "dri/renderD129");
    add(card_ + "/drm/card1", "226:1", "dri/card1");
    add(card_ + "/graphics/fb0", "29:0", "fb0");
    kernel_.put(card_ + "/drm/card1/card1-DP-1/status", "connected\n");
    EXPECT_THAT(nodes_of({"01:00.0"_bdf}), ElementsAre("0000:01:00.0 /dev/dri/card1 226:1",
                                                       "0000:01:00.0 /dev/dri/renderD129 226:129",
                                                       "0000:01:00.0 /dev/fb0 29:0"));
}

TEST_F(TheNodesOfACard, AreThoseOfItsSoundAndNotOfTheSequencerThatAllCardsShare) {
    const std::string sound = "sys/bus/pci/devices/0000:01:00.1/sound/card0";
    add(sound + "/controlC0", "116:5", "snd/controlC0");
    add(sound + "/pcmC0D3p", "116:3", "snd/pcmC0D3p");
    kernel_.put(sound + "/input9/name", "HDMI\n");
    add("sys/class/sound/seq", "116:1", "snd/seq");
    EXPECT_THAT(nodes_of({"01:00.1"_bdf}), ElementsAre("0000:01:00.1 /dev/snd/controlC0 116:5",
                                                       "0000:01:00.1 /dev/snd/pcmC0D3p 116:3"));
}

TEST_F(TheNodesOfACard, AreItsI2cBusesWhetherOnTheCardOrOnAConnector) {
    add(card_ + "/drm/card1", "226:1", "dri/card1");
    add(card_ + "/i2c-3/i2c-dev/i2c-3", "89:3", "i2c-3");
    add(card_ + "/drm/card1/card1-DP-1/i2c-5/i2c-dev/i2c-5", "89:5", "i2c-5");
    EXPECT_THAT(nodes_of({"01:00.0"_bdf}),
                ElementsAre("0000:01:00.0 /dev/dri/card1 226:1", "0000:01:00.0 /dev/i2c-5 89:5",
                            "0000:01:00.0 /dev/i2c-3 89:3"));
}

TEST_F(TheNodesOfACard, AreVfiosOwnAndTheGroupsForEachFunctionOfTheGroup) {
    kernel_.move("01:00.0"_bdf, "vfio-pci");
    kernel_.move("01:00.1"_bdf, "vfio-pci");
    EXPECT_THAT(
        nodes_of({"01:00.0"_bdf, "01:00.1"_bdf}),
        ElementsAre("0000:01:00.0 /dev/vfio/devices/vfio0 510:0", "0000:01:00.0 /dev/vfio/1 511:1",
                    "0000:01:00.1 /dev/vfio/devices/vfio1 510:1",
                    "0000:01:00.1 /dev/vfio/1 511:1"));
    for (const DeviceNode& node : device_nodes(kernel_.root(), {"01:00.0"_bdf}))
        EXPECT_TRUE(is_vfio_node(node)) << node.path;
}

TEST_F(TheNodesOfACard, AreNvidiasByTheMinorThatItsDriverTells) {
    kernel_.put("proc/driver/nvidia/gpus/0000:01:00.0/information",
                "Model: \t\t NVIDIA GeForce RTX 3070\nBus Location: \t 0000:01:00.0\n"
                "Device Minor: \t 2\nGPU Excluded:\t No\n");
    EXPECT_THAT(nodes_of({"01:00.0"_bdf}), ElementsAre("0000:01:00.0 /dev/nvidia2 195:2"));
    EXPECT_THAT(nodes_of({"00:02.0"_bdf}), ElementsAre());
}

TEST_F(TheNodesOfACard, AreNotNvidiasWhereItsDriverTellsNoNumber) {
    for (const char* text : {"", "Model: \t x\n", "Device Minor:", "Device Minor: \t \nA: 3\n"}) {
        kernel_.put("proc/driver/nvidia/gpus/0000:01:00.0/information", text);
        EXPECT_THAT(nodes_of({"01:00.0"_bdf}), ElementsAre()) << text;
    }
}

TEST_F(TheNodesOfACard, AreNotTakenFromWhatIsNoNumber) {
    add(card_ + "/drm/card1", "nonsense", "dri/card1");
    add(card_ + "/drm/card2", "226", "dri/card2");
    add(card_ + "/drm/card3", "226:3", "dri/card3");
    EXPECT_THAT(nodes_of({"01:00.0"_bdf}), ElementsAre("0000:01:00.0 /dev/dri/card3 226:3"));
}

TEST_F(TheNodesOfACard, AreNoneWithoutADriverOrWithoutTheCard) {
    EXPECT_THAT(nodes_of({"01:00.0"_bdf, "07:00.0"_bdf}), ElementsAre());
}

}  // namespace
}  // namespace passthru
