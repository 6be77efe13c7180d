// SPDX-License-Identifier: LGPL-2.1-or-later
// When passthrud looks by itself: after the computer has slept, and now and then while a VM has a
// GPU.
#include "tests/bus/daemon_on_a_bus.hpp"
#include "tests/bus/fake_logind.hpp"

#include <gmock/gmock.h>

namespace passthru::bus_test {
namespace {

using fakes::operator""_bdf;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// No such domain is active on test:///default.
constexpr const char* ended_uuid = "c1a4f3d2-0000-4000-8000-000000000001";

class PassthrudByItself : public DaemonOnABus {
protected:
    [[nodiscard]] std::string last_error(const char* gpu) {
        return client_->property(gpu, gpu_interface, "LastError").text;
    }
    /// Its first question which VMs run is answered.
    void wait_for_libvirt() {
        ASSERT_TRUE(client_->wait_until([&] {
            return client_->property("/org/passthru1", manager, "LibvirtState").text ==
                   "(\"connected\")";
        })) << log();
    }
    /// A VM gets the GPU, ends, and neither its hook nor libvirt says so.
    void give_to_a_vm_that_has_ended(const char* gpu) {
        ASSERT_TRUE(notify("prepare", "begin", domain_with({1}, ended_uuid), ended_uuid).ok());
        EXPECT_EQ(owner(gpu), std::string("((\"domain\", \"") + ended_uuid + "\", \"test\"))");
    }
};

TEST_F(PassthrudByItself, LooksAfterTheCardsThatAreAwayWhenTheComputerHasSlept) {
    FakeLogind logind(bus_.address());
    ASSERT_TRUE(detach(first_gpu).ok());
    kernel_.power_off("01:00.0"_bdf);
    kernel_.power_off("02:00.0"_bdf);
    logind.say_sleep_begins();
    EXPECT_EQ(last_error(first_gpu), "((\"\", \"\"))");
    EXPECT_THAT(log(), Not(HasSubstr("has slept")));

    logind.say_sleep_is_over();
    ASSERT_TRUE(client_->wait_until([&] { return last_error(first_gpu) != "((\"\", \"\"))"; }));
    EXPECT_THAT(last_error(first_gpu),
                AllOf(HasSubstr("org.passthru1.Error.NotResponding"), HasSubstr("0000:01:00.0")));
    EXPECT_EQ(last_error(second_gpu), "((\"\", \"\"))")
        << "the host's own card is its own business";
    EXPECT_EQ(state(first_gpu), "(\"detached\")");
}

TEST_F(PassthrudByItself, TakesBackWhatAVmHadThatEndedInTheSleep) {
    FakeLogind logind(bus_.address());
    wait_for_libvirt();
    give_to_a_vm_that_has_ended(first_gpu);
    logind.say_sleep_is_over();
    wait_for_state(first_gpu, "host");
    EXPECT_EQ(changes_of_the_machine(), "");
}

TEST_F(PassthrudByItself, AsksNowAndThenWhichVmsRunWhileOneHasAGpu) {
    EXPECT_EQ(end(SIGTERM), 0);
    more_words_ = {"--reconcile-interval", "0.05"};
    start();
    wait_for_libvirt();
    give_to_a_vm_that_has_ended(first_gpu);
    wait_for_state(first_gpu, "host");
    EXPECT_EQ(changes_of_the_machine(), "");
}

}  // namespace
}  // namespace passthru::bus_test
