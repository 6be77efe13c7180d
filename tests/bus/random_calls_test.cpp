// SPDX-License-Identifier: LGPL-2.1-or-later
// An ordinary user calls every method with whatever comes to his mind.
#include "libpassthru/pci/sysfs.hpp"
#include "tests/bus/daemon_on_a_bus.hpp"
#include "tests/bus/fake_polkit.hpp"
#include "tests/bus/ordinary_user.hpp"
#include "tests/bus/random_call.hpp"

#include <cstdlib>
#include <filesystem>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <unistd.h>

namespace passthru::bus_test {
namespace {

using fakes::Fault;
using fakes::operator""_bdf;
using testing::Each;
using testing::StartsWith;

class AnOrdinaryUser : public DaemonOnABus {
protected:
    void SetUp() override {
        if (::getuid() != 0) GTEST_SKIP() << "only root can become another user";
    }

    /// All that the bus, the machine and the daemon's own files tell.
    [[nodiscard]] std::string everything() {
        std::string text = changes_of_the_machine() + fmt::format("{}", kernel_.writes());
        for (const auto& [path, interface] :
             {std::pair("/org/passthru1", manager), std::pair(first_gpu, gpu_interface),
              std::pair(second_gpu, gpu_interface)}) {
            text +=
                client_->call({path, "org.freedesktop.DBus.Properties", "GetAll"}, "s", interface)
                    .text +
                "\n";
        }
        for (const char* folder : {"run", "state"}) {
            if (!std::filesystem::exists(kernel_.path() / folder)) continue;
            for (const auto& entry :
                 std::filesystem::recursive_directory_iterator(kernel_.path() / folder)) {
                text += fmt::format("{}: {}\n", entry.path().string(),
                                    read_attribute(entry.path()).value_or(""));
            }
        }
        return text;
    }
};

TEST_F(AnOrdinaryUser, ChangesNothingWhateverHeCalls) {
    const char* given = std::getenv("PASSTHRU_SEED");  // NOLINT(concurrency-mt-unsafe)
    const unsigned seed = given == nullptr ? 1U : static_cast<unsigned>(std::atoi(given));
    SCOPED_TRACE(fmt::format("PASSTHRU_SEED={}", seed));
    constexpr int calls = 2000;
    FakePolkit polkit(bus_.address(), Verdict::No);

    // With a move under way there is a job, too, that he could cancel.
    kernel_.plan_fault("unbind", "02:00.0"_bdf, Fault::Block);
    const auto move = start_detach(second_gpu);
    wait_for_a_blocked_write();
    ASSERT_TRUE(client_->wait_to_hear("unbind 0000:02:00.0"));
    ASSERT_TRUE(client_->wait_until([&] {
        return client_->property("/org/passthru1", manager, "LibvirtState").text ==
               "(\"connected\")";
    }));
    const std::string job = client_->property(second_gpu, gpu_interface, "Job").text;
    ASSERT_THAT(job, StartsWith("(\"/org/passthru1/job/"));
    const std::string before = everything();
    client_->heard.clear();

    const std::string job_path = job.substr(2, job.size() - 4);
    const std::vector<std::string> paths{"/org/passthru1", first_gpu, second_gpu,
                                         job_path,         "/",       "/org/passthru1/gpu/none"};
    const Objects objects{{manager, {"/org/passthru1"}},
                          {"org.passthru1.LibvirtHook", {"/org/passthru1"}},
                          {"org.passthru1.Job", {job_path}},
                          {gpu_interface, {first_gpu, second_gpu}}};
    EXPECT_EQ(
        as_nobody([&] {
            return RandomCaller(seed, bus_.address(), paths).call(all_methods(objects), calls);
        }),
        "");

    EXPECT_EQ(everything(), before);
    EXPECT_THAT(client_->heard, Each(StartsWith("answer "))) << "signals of changes";
    EXPECT_GT(polkit.asked(), 0);
    kernel_.unblock();
    EXPECT_TRUE(client_->wait(move).ok());
    EXPECT_TRUE(reattach(second_gpu).ok());
    EXPECT_EQ(changes_of_the_machine(), "");
}

}  // namespace
}  // namespace passthru::bus_test
