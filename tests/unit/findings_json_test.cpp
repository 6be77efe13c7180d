// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/findings_json.hpp"

#include "libpassthru/plan/plan_json.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using fakes::operator""_bdf;
using testing::HasSubstr;

/// One of everything, and no two members alike.
Findings everything() {
    Findings findings;
    findings.unanswering = {
        {"01:00.0"_bdf, Error{Errc::NotResponding, "does not answer", 19}},
        {"01:00.1"_bdf, Error{Errc::Failed, "“config” cannot be read", 0}},
    };
    for (const CriticalKind kind :
         {CriticalKind::Storage, CriticalKind::Network, CriticalKind::Input, CriticalKind::Board}) {
        const auto number = static_cast<std::uint8_t>(kind);
        findings.critical.push_back({Bdf{0x10000, 2, 0, number}, kind,
                                     fmt::format("holds thing {}", number),
                                     fmt::format("take thing {} away", number)});
    }
    for (const HolderKind kind :
         {HolderKind::Process, HolderKind::Session, HolderKind::PersistenceDaemon,
          HolderKind::Guest, HolderKind::Console, HolderKind::Framebuffer}) {
        const auto number = static_cast<std::uint8_t>(kind);
        findings.holders.push_back(
            {800 + number, 4294967294U - number, fmt::format("program {}", number),
             fmt::format("/dev/dri/card{}", number), Bdf{0, 3, 0, number}, kind,
             fmt::format("unit-{}.service", number), fmt::format("c{}", number)});
    }
    return findings;
}

std::string changed(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) ADD_FAILURE() << from << " is not in\n" << text;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(Findings, ComeOverAsTheyWere) {
    EXPECT_EQ(findings_from_text(findings_to_text(everything())), everything());
    EXPECT_EQ(findings_from_text(findings_to_text({})), Findings{});
}

TEST(Findings, ComeOverWithEveryErrorAsItWas) {
    for (const Errc code : all_errcs) {
        Findings findings;
        findings.unanswering = {{"01:00.0"_bdf, Error{code, "", 5}}};
        EXPECT_EQ(findings_from_text(findings_to_text(findings)), findings);
    }
}

TEST(Findings, ComeOverThoughANameIsNoText) {
    Findings findings;
    findings.holders.push_back({812, 1000, "a\xff\n\"\x1b[2J", "/dev/dri/card0", "01:00.0"_bdf,
                                HolderKind::Process, "", ""});
    const auto read = findings_from_text(findings_to_text(findings));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->holders.at(0).command, "a\uFFFD\n\"\x1b[2J");
}

class AMalformedMessage : public testing::Test {
protected:
    static void expect_refused(const std::string& text) {
        const auto read = findings_from_text(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, Errc::InvalidArgs);
        EXPECT_THAT(read.error().message, HasSubstr("malformed"));
        EXPECT_LT(read.error().message.size(), 500U);
    }
    static void expect_refused_with(const std::string& from, const std::string& to) {
        expect_refused(changed(findings_to_text(everything()), from, to));
    }
};

TEST_F(AMalformedMessage, IsNoFindings) {
    const std::string whole = findings_to_text(everything());
    for (const std::string& text :
         {std::string(), std::string("{"), std::string("[]"), std::string("42"),
          std::string("null"), std::string("{}"), std::string("\xff"),
          whole.substr(0, whole.size() / 2), whole + whole, std::string(100000, '['),
          "\"" + std::string(100000, 'x')}) {
        expect_refused(text);
    }
}

TEST_F(AMalformedMessage, LacksAPart) {
    for (const char* part :
         {"unanswering", "critical", "holders", "function", "kind", "what", "remedy", "error",
          "message", "errno", "pid", "uid", "command", "node", "unit", "session"}) {
        expect_refused_with(fmt::format("\"{}\":", part), "\"other\":");
    }
}

TEST_F(AMalformedMessage, HasAPartOfAnotherKind) {
    expect_refused_with("\"pid\":800", "\"pid\":\"800\"");
    expect_refused_with("\"command\":\"program 0\"", "\"command\":7");
    expect_refused_with("\"unit\":\"unit-0.service\"", "\"unit\":null");
    expect_refused_with("\"unanswering\":[", "\"unanswering\":7,\"other\":[");
    expect_refused_with("\"holders\":[", "\"holders\":null,\"other\":[");
    expect_refused_with("\"critical\":[", "\"critical\":{},\"other\":[");
}

TEST_F(AMalformedMessage, NamesNoFunction) {
    for (const char* address : {"", "01:00.0", "0000:01:00.8", "../../etc", "0000:01:00.0 "}) {
        expect_refused_with("\"function\":\"0000:01:00.0\"",
                            fmt::format("\"function\":\"{}\"", address));
    }
}

TEST_F(AMalformedMessage, HasANumberThatDoesNotFit) {
    expect_refused_with("\"pid\":800", "\"pid\":4294968096");
    expect_refused_with("\"pid\":800", "\"pid\":800.5");
    expect_refused_with("\"uid\":4294967294", "\"uid\":-2");
    expect_refused_with("\"errno\":19", "\"errno\":4294967315");
}

TEST_F(AMalformedMessage, HasAKindThatIsNotKnown) {
    // A kind of a later version must not be taken for one that keeps nothing from being unbound.
    for (const char* kind : {"6", "255", "256", "-1", "1e3", "\"process\"", "true"}) {
        expect_refused_with("\"kind\":0,\"node\"", fmt::format("\"kind\":{},\"node\"", kind));
    }
    for (const char* kind : {"4", "256", "-1", "null"}) {
        expect_refused_with("\"kind\":3,\"remedy\"", fmt::format("\"kind\":{},\"remedy\"", kind));
    }
}

TEST_F(AMalformedMessage, HasAnErrorThatIsNotKnown) {
    expect_refused_with("\"error\":\"NotResponding\"", "\"error\":\"Exploded\"");
}

TEST_F(AMalformedMessage, HasMoreThanIsKnown) {
    expect_refused_with("{\"critical\":", "{\"cure\":[],\"critical\":");
    expect_refused_with("\"pid\":800", "\"pid\":800,\"ppid\":1");
}

TEST(ARequestToLook, ComesOverAsItWas) {
    for (const InspectionRequest& request :
         {InspectionRequest{}, InspectionRequest{{"01:00.0"_bdf}},
          InspectionRequest{{"01:00.1"_bdf, "01:00.0"_bdf, Bdf{0xffffffff, 0xff, 31, 7}}}}) {
        const auto read = inspection_from_text(inspection_to_text(request));
        ASSERT_TRUE(read.has_value());
        EXPECT_EQ(*read, request);
    }
}

TEST(ARequestToLook, IsNotWhatIsAskedForOtherwise) {
    const Plan plan{PlanKind::Detach, {step::Unbind{"01:00.0"_bdf, "nouveau"}}};
    for (const std::string& text : {plan_to_text(plan), std::string("inspect"), std::string("{}"),
                                    std::string("[\"inspect\"]"), std::string()}) {
        EXPECT_FALSE(inspection_from_text(text)) << text;
    }
    EXPECT_FALSE(plan_from_text(inspection_to_text({{"01:00.0"_bdf}})));
}

TEST(ARequestToLook, ThatIsMalformedIsRefused) {
    for (const char* text :
         {R"({"inspect":5})", R"({"inspect":null})", R"({"inspect":{}})",
          R"({"inspect":["0000:01:00.0"]})", R"({"inspect":[{}]})",
          R"({"inspect":[{"function":7}]})", R"({"inspect":[{"function":"../.."}]})",
          R"({"inspect":[{"function":"0000:01:00.0","do":"reset"}]})",
          R"({"inspect":[],"steps":[]})"}) {
        const auto read = inspection_from_text(text);
        ASSERT_TRUE(read.has_value()) << text;
        ASSERT_FALSE(*read) << text;
        EXPECT_EQ(read->error().code, Errc::InvalidArgs);
    }
}

TEST(Overrides, ComeOverAsTheyWere) {
    const OverrideMap some{{"01:00.0"_bdf, std::nullopt}, {Bdf{0x10000, 2, 0, 1}, "vfio-pci"}};
    EXPECT_EQ(overrides_from_text(overrides_to_text(some)), some);
    EXPECT_EQ(overrides_from_text(overrides_to_text({})), OverrideMap{});
    const std::vector<Bdf> functions{"01:00.1"_bdf, "01:00.0"_bdf};
    EXPECT_EQ(override_request_from_text(override_request_to_text(functions)), functions);
    EXPECT_FALSE(override_request_from_text(inspection_to_text({functions})));
}

TEST(Overrides, ThatAreMalformedAreRefused) {
    for (const char* text :
         {"", "{}", R"({"overrides":5})", R"({"overrides":[{"function":"0000:01:00.0"}]})",
          R"({"overrides":[{"driver":null,"function":"../.."}]})",
          R"({"overrides":[{"driver":7,"function":"0000:01:00.0"}]})",
          R"({"overrides":[],"more":1})"}) {
        const auto read = overrides_from_text(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, Errc::InvalidArgs);
    }
    for (const char* text : {R"({"overrides-of":5})", R"({"overrides-of":["0000:01:00.0"]})",
                             R"({"overrides-of":[],"more":1})"}) {
        const auto read = override_request_from_text(text);
        ASSERT_TRUE(read && !*read) << text;
        EXPECT_EQ(read->error().code, Errc::InvalidArgs);
    }
}

TEST(ARequestForARom, ComesOverAsItWas) {
    EXPECT_EQ(rom_request_from_text(rom_request_to_text("01:00.0"_bdf)), "01:00.0"_bdf);
    EXPECT_FALSE(rom_request_from_text(override_request_to_text({})));
    for (const char* text : {R"({"rom-of":5})", R"({"rom-of":{"function":"../.."}})",
                             R"({"rom-of":{"function":"0000:01:00.0","more":1}})",
                             R"({"rom-of":{"function":"0000:01:00.0"},"more":1})"}) {
        const auto read = rom_request_from_text(text);
        ASSERT_TRUE(read && !*read) << text;
        EXPECT_EQ(read->error().code, Errc::InvalidArgs);
    }
}

/// More than a computer has, with names that take six bytes for one.
Findings too_much() {
    const std::string odd(255, '\x01');
    Findings findings;
    for (int pid = 1; pid <= 2000; ++pid) {
        findings.holders.push_back({pid, 1000, odd.substr(0, 15), "/dev/dri/card0", "01:00.0"_bdf,
                                    HolderKind::Process, odd, odd});
        findings.critical.push_back({"02:00.0"_bdf, CriticalKind::Storage, odd, "unmount it"});
    }
    return findings;
}

TEST(Findings, ThatAreTooManyAreCutToWhatAMessageHolds) {
    const Findings all = too_much();
    const std::string text = findings_to_text(all);
    EXPECT_LE(text.size(), max_message);
    EXPECT_GT(text.size(), max_message / 4) << "and not to less than they need be";
    const auto read = findings_from_text(text);
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_FALSE(read->holders.empty());
    ASSERT_FALSE(read->critical.empty());
    for (std::size_t i = 0; i < read->holders.size(); ++i) {
        EXPECT_EQ(read->holders[i], all.holders[i]) << "the first ones stay";
    }
}

TEST(Findings, ThatAMessageHoldsAreNotCut) {
    Findings findings;
    for (int pid = 1; pid <= 500; ++pid) {
        findings.holders.push_back({pid, 1000, "firefox", "/dev/dri/renderD128", "01:00.0"_bdf,
                                    HolderKind::Process, "app-firefox.scope", "2"});
    }
    EXPECT_EQ(findings_from_text(findings_to_text(findings)), findings);
}

}  // namespace
}  // namespace passthru
