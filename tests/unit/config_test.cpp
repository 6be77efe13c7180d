// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/config/config.hpp"

#include "tests/fakes/fake_kernel.hpp"

#include <filesystem>
#include <gmock/gmock.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::HasSubstr;

Result<ReadConfig> read(std::string_view text) {
    ReadConfig result;
    if (auto done = read_config_text(text, "x.conf", result); !done) {
        return std::unexpected(done.error());
    }
    return result;
}

Function gpu() {
    Function function;
    function.bdf = "01:00.0"_bdf;
    function.id = {0x10de, 0x2489};
    return function;
}

TEST(AMachineWithoutConfiguration, RefusesEverythingThatIsNotSafe) {
    EXPECT_EQ(Config{}.policy_for(gpu()), GpuPolicy{});
}

TEST(APolicy, OfAnAddressWinsOverAnIdAndThatOverAll) {
    const auto config = read(R"(
        [gpu."*"]
        in-use = "wait"
        boot-gpu = "allow"
        reset = ["pm"]
        [gpu."10DE:2489"]
        in-use = "ask"
        wait = 60
        reset = ["flr", "bus"]
        [gpu."01:00.0"]
        wait = 5
        move-too = ["0000:03:00.0"]
    )");
    ASSERT_TRUE(config) << config.error().message;
    const GpuPolicy policy = config->config.policy_for(gpu());
    EXPECT_EQ(policy.boot_gpu, BootGpuRule::Allow);
    EXPECT_EQ(policy.in_use, WhenInUse::Ask);
    EXPECT_EQ(policy.wait, std::chrono::seconds(5));
    EXPECT_EQ(policy.move_too, std::vector{"03:00.0"_bdf});
    EXPECT_EQ(policy.reset, (std::vector<std::string>{"flr", "bus"}));
}

TEST(ASetting, KnowsTheFileAndTheLineThatItHasItsValueFrom) {
    const FakeKernel kernel("01:00.0 0300 10de:2489");
    const auto file = [&](const char* name) { return (kernel.path() / name).string(); };
    kernel.put("usr/lib/passthrud/passthrud.conf", "[gpu.\"*\"]\nwait = 10\nin-use = \"wait\"\n");
    kernel.put("etc/passthrud/passthrud.conf.d/60-mine.conf",
               "# mine\n[gpu.\"*\"]\nwait = 20\n[gpu.\"01:00.0\"]\nexplode = 1\nreset = []\n");
    const auto config = read_config_files(kernel.root());
    ASSERT_TRUE(config) << config.error().message;
    using Places = std::map<std::string, ConfigPlace>;
    EXPECT_EQ(config->places.at("*"),
              (Places{{"in-use", {file("usr/lib/passthrud/passthrud.conf"), 3}},
                      {"wait", {file("etc/passthrud/passthrud.conf.d/60-mine.conf"), 3}}}));
    EXPECT_EQ(config->places.at("0000:01:00.0"),
              (Places{{"reset", {file("etc/passthrud/passthrud.conf.d/60-mine.conf"), 6}}}));
    EXPECT_EQ(config->files, (std::vector{file("usr/lib/passthrud/passthrud.conf"),
                                          file("etc/passthrud/passthrud.conf.d/60-mine.conf")}));
}

TEST(AMistake, IsNamedWithFileLineAndColumn) {
    for (const char* text :
         {"[gpu.\"01:00.0\"]\nwait = 0", "[gpu.\"01:00.0\"]\nwait = 121",
          "[gpu.\"01:00.0\"]\nin-use = \"never\"", "[gpu.\"01:00.0\"]\nboot-gpu = true",
          "[gpu.\"*\"]\nreset = \"flr\"", "[gpu.\"*\"]\nreset = [\"FLR\"]",
          "[gpu.\"*\"]\nreset = [true]", "[gpu.\"*\"]\nreset = [\"suspend\"]",
          "[gpu.\"*\"]\nat-stop = \"never\"", "[gpu.\"*\"]\nstop-services = \"a.service\"",
          "[gpu.\"*\"]\nstop-services = [\"ollama\"]", "[gpu.\"*\"]\nexclude = 1",
          "\n[gpu.\"the big one\"]", "[gpu.\"*\"]\nmove-too = [\"x\"]", "a = 1\nb ="}) {
        const auto config = read(text);
        ASSERT_FALSE(config) << text;
        EXPECT_THAT(config.error().message, HasSubstr("x.conf:2:")) << text;
    }
}

TEST(AListOfResetMethods, MayBeEmptyButNotEndless) {
    const auto none = read("[gpu.\"*\"]\nreset = []");
    ASSERT_TRUE(none) << none.error().message;
    EXPECT_EQ(none->config.policy_for(gpu()).reset, std::vector<std::string>{});
    std::string many = "[gpu.\"*\"]\nreset = [";
    for (std::size_t i = 0; i < max_reset_methods; ++i) many += "\"flr\",";
    EXPECT_TRUE(read(many + "]"));
    EXPECT_FALSE(read(many + "\"flr\"]"));
}

TEST(AnUnknownKey, IsAWarning) {
    const auto config = read("[gpu.\"*\"]\nspeed = 1\n");
    ASSERT_TRUE(config);
    EXPECT_THAT(config->warnings, testing::ElementsAre(HasSubstr("x.conf:2:1: “speed”")));
}

TEST(ADropIn, WinsOverTheMainFileAndHidesTheOneOfItsNameInUsr) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 group 1 driver nouveau");
    const auto put = [&](const char* file, const char* text) {
        std::filesystem::create_directories((kernel.path() / file).parent_path());
        kernel.put(file, text);
    };
    put("etc/passthrud/passthrud.conf", "[gpu.\"*\"]\nwait = 10\nin-use = \"wait\"\n");
    put("usr/lib/passthrud/passthrud.conf.d/20-a.conf", "[gpu.\"*\"]\nwait = 20\n");
    EXPECT_EQ(read_config_files(kernel.root())->config.policy_for(gpu()).wait.count(), 20);
    put("etc/passthrud/passthrud.conf.d/20-a.conf", "[gpu.\"*\"]\nwait = 30\n");
    EXPECT_EQ(read_config_files(kernel.root())->config.policy_for(gpu()).wait.count(), 30);
    std::filesystem::remove(kernel.path() / "etc/passthrud/passthrud.conf.d/20-a.conf");
    std::filesystem::create_symlink("/dev/null",
                                    kernel.path() / "etc/passthrud/passthrud.conf.d/20-a.conf");
    EXPECT_EQ(read_config_files(kernel.root())->config.policy_for(gpu()).wait.count(), 10);
}

TEST(AnAccelerator, IsAskedForByASectionOfItsOwn) {
    const FakeKernel kernel(R"(
        00:0b.0 1200 8086:7d1d group 3
        01:00.0 1200 1da3:1000 group 4
    )");
    const auto config = read("[gpu.\"01:00.0\"]\n[gpu.\"*\"]\n");
    ASSERT_TRUE(config);
    Inventory inventory = kernel.inventory();
    config->config.choose_gpus(inventory);
    EXPECT_EQ(inventory.asked_for, std::set{"01:00.0"_bdf});
}

TEST(AGpuThatIsExcluded, LeadsNoSet) {
    const FakeKernel kernel(R"(
        01:00.0 0300 10de:2489 group 1
        01:00.1 0403 10de:228b group 1
        02:00.0 0300 10de:2489 group 2
    )");
    const auto config =
        read("[gpu.\"10de:2489\"]\nexclude = true\n[gpu.\"02:00.0\"]\nexclude = false\n");
    ASSERT_TRUE(config) << config.error().message;
    Inventory inventory = kernel.inventory();
    config->config.choose_gpus(inventory);
    const auto sets = device_sets(inventory);
    ASSERT_EQ(sets.size(), 1U);
    EXPECT_EQ(sets.front().id(), "02:00.0"_bdf);
    Config{}.choose_gpus(inventory);
    EXPECT_EQ(device_sets(inventory).size(), 2U);
}

TEST(APolicy, SaysWhatHappensAroundAVm) {
    const auto config = read(R"(
        [gpu."*"]
        at-stop = "keep"
        stop-services = ["nvidia-persistenced.service", "display-manager.service"]
        [gpu."01:00.0"]
        stop-services = ["ollama.service"]
    )");
    ASSERT_TRUE(config) << config.error().message;
    const GpuPolicy policy = config->config.policy_for(gpu());
    EXPECT_EQ(policy.at_stop, AtStop::Keep);
    EXPECT_EQ(policy.stop_services, std::vector<std::string>{"ollama.service"});
    EXPECT_EQ(config->config.stop_services().size(), 3U) << "of any GPU";
}

}  // namespace
}  // namespace passthru
