// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/executor.hpp"

#include "tests/unit/run.hpp"

#include <fcntl.h>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::Fault;
using fakes::operator""_bdf;
using testing::HasSubstr;

class TheExecutor : public testing::Test {
protected:
    [[nodiscard]] Ran run_step(Step step) const {
        return run(kernel_, {PlanKind::Detach, {std::move(step)}});
    }

    /// The step fails with this code, having changed nothing.
    void expect_refused(Step step, Errc code) const {
        const std::string before = kernel_.dump();
        const Ran ran = run_step(std::move(step));
        ASSERT_FALSE(ran.finished());
        EXPECT_EQ(ran.error->code, code) << ran.error->message;
        EXPECT_EQ(difference(before, kernel_.dump()), "");
    }

    const Bdf gpu_ = "01:00.0"_bdf;
    const FakeKernel kernel_{R"(
        00:00.0 0600 8086:4660 group 0
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    )"};
};

TEST_F(TheExecutor, SetsAndClearsAnOverride) {
    EXPECT_TRUE(run_step(step::SetOverride{gpu_, {}, "vfio-pci"}).finished());
    EXPECT_EQ(kernel_.attribute(gpu_, "driver_override"), "vfio-pci");
    EXPECT_TRUE(run_step(step::SetOverride{gpu_, "vfio-pci", {}}).finished());
    EXPECT_EQ(kernel_.attribute(gpu_, "driver_override"), "(null)");
}

TEST_F(TheExecutor, WritesASettingAndReadsItBack) {
    EXPECT_TRUE(run_step(step::WriteSetting{gpu_, Setting::PowerControl, "on", "auto"}).finished());
    EXPECT_EQ(kernel_.attribute(gpu_, "power/control"), "auto");
    kernel_.plan_fault("control", gpu_, Fault::NoEffect);
    expect_refused(step::WriteSetting{gpu_, Setting::PowerControl, "auto", "on"}, Errc::BindFailed);
}

TEST_F(TheExecutor, LeavesTheKernelItsOwnResetMethodsWhereTheOldOnesAreGone) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 group 1 reset flr,pm");
    kernel.put(kernel.path() / "sys/bus/pci/devices/0000:01:00.0/reset_method", "pm\n");
    const step::WriteSetting step{gpu_, Setting::ResetMethod, "pm", "device_specific flr"};
    EXPECT_TRUE(run(kernel, {PlanKind::Reattach, {step}}).finished());
    EXPECT_EQ(kernel.attribute(gpu_, "reset_method"), "flr pm");
}

TEST_F(TheExecutor, DoesNotWriteWhatIsSoAlready) {
    EXPECT_TRUE(run_step(step::SetOverride{gpu_, {}, {}}).finished());
    EXPECT_TRUE(run_step(step::Probe{gpu_, "nouveau"}).finished());
    EXPECT_TRUE(run_step(step::Unbind{gpu_, "vfio-pci"}).finished());
    EXPECT_TRUE(kernel_.writes().empty());
}

TEST_F(TheExecutor, NeverTouchesABridge) {
    for (const Bdf& bridge : {"00:01.0"_bdf, "00:00.0"_bdf}) {
        expect_refused(step::Unbind{bridge, "pcieport"}, Errc::InvalidArgs);
        expect_refused(step::SetOverride{bridge, {}, "vfio-pci"}, Errc::InvalidArgs);
        expect_refused(step::Reset{ResetChain{{bridge}, {}}}, Errc::InvalidArgs);
    }
}

TEST_F(TheExecutor, ChangesNothingWhenALaterStepIsAboutABridge) {
    const Ran ran =
        run(kernel_, {PlanKind::Detach,
                      {step::Unbind{gpu_, "nouveau"}, step::Probe{"00:01.0"_bdf, "vfio-pci"}}});
    EXPECT_FALSE(ran.finished());
    EXPECT_EQ(kernel_.driver_of(gpu_), "nouveau");
}

TEST_F(TheExecutor, TellsThatAFunctionIsGone) {
    const Ran ran = run_step(step::Unbind{"05:00.0"_bdf, "nouveau"});
    ASSERT_FALSE(ran.finished());
    EXPECT_EQ(ran.error->code, Errc::NotResponding);
    EXPECT_THAT(ran.error->message, HasSubstr("0000:05:00.0 is gone"));
}

TEST_F(TheExecutor, TellsThatACardDoesNotAnswer) {
    kernel_.power_off(gpu_);
    expect_refused(step::CheckAnswers{gpu_, {0x10de, 0x2489}}, Errc::NotResponding);
}

TEST_F(TheExecutor, TellsThatAnotherCardIsInTheSlotNow) {
    expect_refused(step::CheckAnswers{gpu_, {0x10de, 0x1234}}, Errc::NotResponding);
    EXPECT_TRUE(run_step(step::CheckAnswers{gpu_, {0x10de, 0x2489}}).finished());
}

TEST_F(TheExecutor, ReadsNoIdFromAVirtualFunction) {
    kernel_.put("sys/bus/pci/devices/0000:01:00.0/physfn", "");
    EXPECT_TRUE(run_step(step::CheckAnswers{gpu_, {0x10de, 0x1234}}).finished());
}

TEST_F(TheExecutor, NamesWhoHoldsTheCard) {
    kernel_.add_process(812, "Xorg", {"/dev/dri/card0"});
    const Ran ran = run_step(step::CheckUnused{{"01:00.1"_bdf, gpu_}});
    ASSERT_FALSE(ran.finished());
    EXPECT_EQ(ran.error->code, Errc::InUse);
    EXPECT_THAT(ran.error->message, HasSubstr("0000:01:00.0 is in use by Xorg (pid 812"));
}

TEST_F(TheExecutor, DoesNotTakeCardsFromADriverThatThePlanDoesNotKnow) {
    expect_refused(step::Probe{gpu_, "vfio-pci"}, Errc::BindFailed);
    EXPECT_TRUE(run_step(step::Unbind{gpu_, "nvidia"}).finished());
    EXPECT_EQ(kernel_.driver_of(gpu_), "nouveau");
}

TEST_F(TheExecutor, SeesThatAProbeBoundNothing) {
    kernel_.move(gpu_, std::nullopt);
    ASSERT_TRUE(run_step(step::SetOverride{gpu_, {}, "none"}).finished());
    expect_refused(step::Probe{gpu_, "vfio-pci"}, Errc::BindFailed);
}

TEST_F(TheExecutor, TellsThatAGuestOwnsTheGroup) {
    kernel_.move(gpu_, "vfio-pci");
    kernel_.move("01:00.1"_bdf, std::nullopt);
    ASSERT_TRUE(kernel_.open_by_guest(gpu_));
    const Ran ran = run_step(step::Probe{"01:00.1"_bdf, "snd_hda_intel"});
    ASSERT_FALSE(ran.finished());
    EXPECT_EQ(ran.error->errnum, EINVAL);
}

TEST_F(TheExecutor, WaitsForAnotherPlanAboutTheSameFunction) {
    const int folder = ::open((kernel_.path() / "sys/bus/pci/devices/0000:01:00.0").c_str(),
                              O_RDONLY | O_DIRECTORY);
    ASSERT_GE(folder, 0);
    ASSERT_EQ(::flock(folder, LOCK_EX), 0);
    auto second = std::async(std::launch::async,
                             [&] { return run_step(step::SetOverride{gpu_, {}, "vfio-pci"}); });
    EXPECT_EQ(second.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
    EXPECT_EQ(kernel_.attribute(gpu_, "driver_override"), "(null)");
    ::close(folder);
    EXPECT_TRUE(second.get().finished());
    EXPECT_EQ(kernel_.attribute(gpu_, "driver_override"), "vfio-pci");
}

TEST_F(TheExecutor, HangsWithAKernelThatHangs) {
    kernel_.plan_fault("unbind", gpu_, Fault::Block);
    auto hanging =
        std::async(std::launch::async, [&] { return run_step(step::Unbind{gpu_, "nouveau"}); });
    while (!kernel_.has_blocked_write()) std::this_thread::yield();
    EXPECT_EQ(kernel_.driver_of(gpu_), "nouveau");
    kernel_.unblock();
    EXPECT_TRUE(hanging.get().finished());
    EXPECT_EQ(kernel_.driver_of(gpu_), std::nullopt);
}

/// Each write that can fail, and how.
class AFailingWrite : public testing::TestWithParam<std::tuple<const char*, Fault, int>> {};

TEST_P(AFailingWrite, IsReportedWithTheReasonOfTheKernel) {
    const auto [attribute, fault, errnum] = GetParam();
    const Bdf gpu = "01:00.0"_bdf;
    const FakeKernel kernel("01:00.0 0300 10de:2489 group 1 driver nouveau");
    const std::map<std::string, std::vector<Step>> plans = {
        {"driver_override", {step::SetOverride{gpu, {}, "vfio-pci"}}},
        {"unbind", {step::Unbind{gpu, "nouveau"}}},
        {"drivers_probe",
         {step::SetOverride{gpu, {}, "vfio-pci"}, step::Unbind{gpu, "nouveau"},
          step::Probe{gpu, "vfio-pci"}}},
    };
    const Plan plan{PlanKind::Detach, plans.at(attribute)};
    kernel.plan_fault(attribute, gpu, fault);
    const Ran ran = run(kernel, plan);
    EXPECT_EQ(ran.done, plan.steps.size() - 1);
    ASSERT_FALSE(ran.finished());
    EXPECT_EQ(ran.error->code, Errc::BindFailed);
    EXPECT_EQ(ran.error->errnum, errnum);
    EXPECT_THAT(ran.error->message, HasSubstr("0000:01:00.0"));
}

TEST_P(AFailingWrite, ThatHadItsEffectAllTheSameIsASuccess) {
    const Bdf gpu = "01:00.0"_bdf;
    const FakeKernel kernel("01:00.0 0300 10de:2489 group 1 driver nouveau");
    kernel.plan_fault(std::get<0>(GetParam()), gpu, Fault::LateError);
    const Plan plan{PlanKind::Detach,
                    {step::SetOverride{gpu, {}, "vfio-pci"}, step::Unbind{gpu, "nouveau"},
                     step::Probe{gpu, "vfio-pci"}}};
    EXPECT_TRUE(run(kernel, plan).finished());
    EXPECT_EQ(kernel.driver_of(gpu), "vfio-pci");
}

INSTANTIATE_TEST_SUITE_P(, AFailingWrite,
                         testing::Values(std::tuple("driver_override", Fault::Busy, EBUSY),
                                         std::tuple("driver_override", Fault::NoEffect, 0),
                                         std::tuple("unbind", Fault::Busy, EBUSY),
                                         std::tuple("unbind", Fault::NoDevice, ENODEV),
                                         std::tuple("unbind", Fault::InputOutput, EIO),
                                         std::tuple("unbind", Fault::NoEffect, 0),
                                         std::tuple("drivers_probe", Fault::Invalid, EINVAL),
                                         std::tuple("drivers_probe", Fault::NoEffect, 0)));

}  // namespace
}  // namespace passthru
