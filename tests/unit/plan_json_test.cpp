// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/plan_json.hpp"

#include "libpassthru/plan/findings_json.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace passthru {
namespace {

const Bdf gpu{0x10000, 1, 0, 0};

ResetChain whole_chain() {
    const Bdf audio{0x10000, 1, 0, 1};
    const Bdf bridge{0x10000, 0, 1, 0};
    return {{gpu, audio},
            {{"device_specific", ResetMeans::Attribute, {gpu}, {}},
             {"bus", ResetMeans::VfioHotReset, {gpu, audio}, {}},
             {"bus", ResetMeans::Subordinate, {gpu, audio}, bridge},
             {"remove_rescan", ResetMeans::RemoveRescan, {gpu, audio}, bridge},
             {"suspend", ResetMeans::SleepInRam, {gpu, audio}, {}},
             {"suspend", ResetMeans::RemoveSleepRescan, {gpu, audio}, bridge}},
            std::chrono::milliseconds(1500)};
}

Plan plan_of_every_step() {
    return {
        PlanKind::Reattach,
        {step::CheckAnswers{gpu, {0x10de, 0x2489}}, step::CheckUnused{{gpu, Bdf{0, 1, 0, 1}}},
         step::CheckUnused{}, step::SetOverride{gpu, std::nullopt, "vfio-pci"},
         step::SetOverride{gpu, "none", std::nullopt}, step::Unbind{gpu, "nouveau"},
         step::Probe{gpu, "vfio-pci"}, step::WriteSetting{gpu, Setting::D3coldAllowed, "1", "0"},
         step::WriteSetting{gpu, Setting::ResetMethod, std::nullopt, "flr bus"},
         step::Reset{whole_chain(), ResetDemand::Required}, step::Reset{},
         step::LendNodes{{gpu}, 1000}}};
}

TEST(APlan, IsTheSameAfterItsTrip) {
    for (const PlanKind kind :
         {PlanKind::Detach, PlanKind::Reattach, PlanKind::Undo, PlanKind::Reset}) {
        Plan plan = plan_of_every_step();
        plan.kind = kind;
        const auto again = plan_from_text(plan_to_text(plan));
        ASSERT_TRUE(again.has_value()) << again.error().message;
        EXPECT_EQ(*again, plan);
    }
}

TEST(APlan, OfSeveralHundredStepsFitsIntoAMessage) {
    Plan plan;
    for (int i = 0; i < 50; ++i) {
        for (const Step& step : plan_of_every_step().steps) plan.steps.push_back(step);
    }
    EXPECT_LT(plan_to_text(plan).size(), max_message);
}

TEST(APlan, WithADriverNameThatIsNoTextDoesNotThrow) {
    const Plan plan{PlanKind::Detach, {step::SetOverride{gpu, "\xff\xfe", "vfio-pci"}}};
    EXPECT_NO_THROW(EXPECT_FALSE(plan_to_text(plan).empty()));
}

class AMalformedPlan : public testing::TestWithParam<const char*> {};

TEST_P(AMalformedPlan, IsRefusedAsInvalid) {
    const auto plan = plan_from_text(GetParam());
    ASSERT_FALSE(plan.has_value());
    EXPECT_EQ(plan.error().code, Errc::InvalidArgs);
    EXPECT_TRUE(plan.error().message.starts_with("malformed plan")) << plan.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    , AMalformedPlan,
    testing::Values(
        "", "{", "null", "[]", "{}", "\xff", R"({"plan":"detach"})", R"({"steps":[]})",
        R"({"plan":"explode","steps":[]})", R"({"plan":7,"steps":[]})",
        R"({"plan":"detach","steps":{}})", R"({"plan":"detach","steps":[7]})",
        R"({"plan":"detach","steps":[{}]})", R"({"plan":"detach","steps":[],"more":1})",
        R"({"plan":"detach","steps":[]} )"
        "x",
        R"({"plan":"detach","steps":[{"do":"remove","bdf":"0000:01:00.0"}]})",
        R"({"plan":"reset","steps":[{"do":"reset"}]})",
        R"({"plan":"reset","steps":[{)"
        R"("attempts":[{"bridge":null,"functions":[],"means":"attribute","method":"flr"}],"functions":["0000:01:00.0"],"rule":"required","wait-ms":0,"do":"reset"}]})",
        R"({"plan":"reset","steps":[{)"
        R"("attempts":[{"bridge":null,"functions":["0000:01:00.0"],"means":"prayer","method":"flr"}],"functions":["0000:01:00.0"],"rule":"required","wait-ms":0,"do":"reset"}]})",
        R"({"plan":"reset","steps":[{)"
        R"("attempts":[{"bridge":null,"functions":["0000:01:00.0"],"means":"attribute","method":""}],"functions":["0000:01:00.0"],"rule":"required","wait-ms":0,"do":"reset"}]})",
        R"({"plan":"reset","steps":[{)"
        R"("attempts":[{"bridge":null,"functions":["0000:01:00.0"],"means":"attribute","method":"flr\nbus"}],"functions":["0000:01:00.0"],"rule":"required","wait-ms":0,"do":"reset"}]})",
        R"({"plan":"reset","steps":[{)"
        R"("attempts":[{"bridge":null,"functions":["../../etc"],"means":"attribute","method":"flr"}],"functions":["0000:01:00.0"],"rule":"required","wait-ms":0,"do":"reset"}]})",
        R"({"plan":"reset","steps":[{)"
        R"("attempts":[7],"functions":["0000:01:00.0"],"rule":"required","wait-ms":0,"do":"reset"}]})",
        R"({"plan":"detach","steps":[{"do":"check-unused","functions":"0000:01:00.0"}]})",
        R"({"plan":"detach","steps":[{"do":"check-unused","functions":[null]}]})",
        R"({"plan":"detach","steps":[{"do":"check-answers","bdf":"0000:01:00.0","id":[4318]}]})",
        R"({"plan":"detach","steps":[{"do":"check-answers","bdf":"0000:01:00.0","id":[1,70000]}]})",
        R"({"plan":"detach","steps":[{"do":"check-answers","bdf":"0000:01:00.0","id":[4318,-1]}]})",
        R"({"plan":"detach","steps":[{"do":"set-override","bdf":"0000:01:00.0","to":"x"}]})",
        R"({"plan":"detach","steps":[{"do":"unbind","bdf":"0000:01:00.0","driver":null}]})",
        R"({"plan":"detach","steps":[{"do":"stop-service","service":"../x.service"}]})",
        R"({"plan":"detach","steps":[{"do":"start-service","service":"x"}]})",
        R"({"plan":"undo","steps":[{"do":"write-setting","bdf":"0000:01:00.0",)"
        R"("setting":"enable","from":null,"to":"1"}]})",
        R"({"plan":"undo","steps":[{"do":"write-setting","bdf":"0000:01:00.0",)"
        R"("setting":"power/control","from":null,"to":"on\nauto"}]})",
        R"({"plan":"detach","steps":[{"do":"write-setting","bdf":"0000:01:00.0",)"
        R"("setting":"power/control","from":"on\nauto","to":"on"}]})"));

TEST(AMessageOfNothingButBrackets, IsRefusedWithoutUsingUpTheStack) {
    const std::string brackets =
        std::string(max_message / 2, '[') + std::string(max_message / 2, ']');
    for (const char* text : {"{}", R"({{"plan":"undo","steps":[],"more":{}}})",
                             R"({{"finished":true,"more":{}}})", R"({{"inspect":{}}})"}) {
        const std::string message = fmt::format(fmt::runtime(text), brackets);
        EXPECT_FALSE(plan_from_text(message).has_value());
        EXPECT_FALSE(report_from_text(message).has_value());
        EXPECT_FALSE(findings_from_text(message).has_value());
        const auto request = inspection_from_text(message);
        EXPECT_FALSE(request && request->has_value());
    }
}

TEST(ANumberThatIsNone, IsRefusedWhereverOneIsWanted) {
    for (const char* number : {"1e300", "-1e300", "0.5", "1e3", "99999999999999999999999", "-1"}) {
        const auto with = [&](const char* text) { return fmt::format(fmt::runtime(text), number); };
        EXPECT_FALSE(report_from_text(with(R"({{"done":{}}})"))) << number;
        EXPECT_FALSE(plan_from_text(with(R"({{"plan":"undo","steps":[
            {{"do":"check-answers","bdf":"0000:01:00.0","id":[1,{}]}}]}})")))
            << number;
        EXPECT_FALSE(findings_from_text(with(R"({{"critical":[{{"function":"0000:01:00.0",
            "kind":{},"what":"","remedy":""}}],"holders":[],"unanswering":[]}})")))
            << number;
    }
}

class AnImpossibleDriverName : public testing::TestWithParam<std::string> {};

TEST_P(AnImpossibleDriverName, IsRefusedInEveryStep) {
    const std::string name = nlohmann::json(GetParam()).dump();
    for (const char* step :
         {R"({{"do":"unbind","bdf":"0000:01:00.0","driver":{}}})",
          R"({{"do":"probe","bdf":"0000:01:00.0","driver":{}}})",
          R"({{"do":"set-override","bdf":"0000:01:00.0","from":{},"to":null}})",
          R"({{"do":"set-override","bdf":"0000:01:00.0","from":null,"to":{}}})"}) {
        const std::string text = fmt::format(R"({{"plan":"detach","steps":[{}]}})",
                                             fmt::format(fmt::runtime(step), name));
        EXPECT_FALSE(plan_from_text(text).has_value()) << text;
    }
}

INSTANTIATE_TEST_SUITE_P(, AnImpossibleDriverName,
                         testing::Values("", ".", "..", "a/b", "../../../etc", "vfio-pci\n", "a\nb",
                                         std::string("a\0b", 3), std::string(65, 'a')));

TEST(AReport, IsTheSameAfterItsTrip) {
    for (const WorkerReport& report :
         {WorkerReport(StepDone{3}), WorkerReport(PlanDone{}),
          WorkerReport(ResetTried{4,
                                  {"flr", 1790000000000000, std::chrono::microseconds(120300),
                                   TrialEnd::NotWell, "it does not answer"}}),
          WorkerReport(PlanFailed{2, {Errc::InUse, "“Xorg” has it\n open", 16}})}) {
        const auto again = report_from_text(report_to_text(report));
        ASSERT_TRUE(again.has_value()) << again.error().message;
        EXPECT_EQ(*again, report);
    }
}

TEST(AReport, WithAMessageThatIsNoTextArrivesAllTheSame) {
    const auto again =
        report_from_text(report_to_text(PlanFailed{0, {Errc::Failed, "caf\xe9", 0}}));
    ASSERT_TRUE(again.has_value());
    EXPECT_TRUE(std::get<PlanFailed>(*again).error.message.starts_with("caf"));
}

TEST(AMalformedReport, IsRefusedAsInvalid) {
    for (const char* text :
         {"", "7", "{}", "[]", R"({"done":-1})", R"({"done":"1"})", R"({"finished":false})",
          R"({"done":1,"finished":true})", R"({"failed":0})",
          R"({"failed":0,"error":"OnFire","message":"","errno":0})",
          R"({"failed":0,"error":"Busy","message":"","errno":99999999999})"}) {
        const auto report = report_from_text(text);
        ASSERT_FALSE(report.has_value()) << text;
        EXPECT_EQ(report.error().code, Errc::InvalidArgs);
    }
}

TEST(ARecord, IsTheSameAfterItsTrip) {
    const SetRecord record = {
        {gpu, {0x10de, 0x2489}, "nouveau", "none", "flr bus", "auto", "1"},
        {Bdf{0, 1, 0, 1}, {0x10de, 0x228b}, {}, {}, {}, {}, {}},
    };
    const auto again = record_from_json(record_to_json(record));
    ASSERT_TRUE(again.has_value()) << again.error().message;
    EXPECT_EQ(*again, record);
}

TEST(AMalformedRecord, IsRefusedAsInvalid) {
    for (const char* text : {"{}", "7", "[{}]", "[[]]", R"([{"bdf":"0000:01:00.0"}])"}) {
        const auto record = record_from_json(nlohmann::json::parse(text));
        ASSERT_FALSE(record.has_value()) << text;
        EXPECT_EQ(record.error().code, Errc::InvalidArgs);
    }
    nlohmann::json bad = record_to_json({{gpu, {}, "nouveau", {}, {}, {}, {}}});
    bad[0]["driver"] = "../x";
    EXPECT_FALSE(record_from_json(bad).has_value());
}

TEST(APlan, WithADriverThatCannotBeWrittenDownIsRefused) {
    for (const char* name : {"\x8a", "nouv\xc3", "nou\nveau", "n\x7f"}) {
        const Plan plan{PlanKind::Detach,
                        {step::SetOverride{*parse_bdf("0000:01:00.0"), name, "vfio-pci"}}};
        EXPECT_FALSE(plan_from_text(plan_to_text(plan)).has_value());
    }
}

}  // namespace
}  // namespace passthru
