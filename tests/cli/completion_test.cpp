// SPDX-License-Identifier: LGPL-2.1-or-later
// bash's completion; those of zsh and fish ask passthructl the same.
#include "tests/cli/on_a_machine.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

using testing::HasSubstr;
using testing::Not;

class BashCompletion : public testing::Test {
protected:
    /// What bash would offer after these words, of which the last one is begun.
    std::string offers(const OnAMachine::Words& words) const {
        std::string all = PASSTHRUCTL " --root " + machine_.kernel.path().string();
        for (const std::string& word : words) all += fmt::format(" '{}'", word);
        const std::string script = fmt::format(
            "source '{}'; COMP_WORDS=({}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _passthructl; "
            "printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            PASSTHRUCTL_COMPLETION, all);
        const fakes::Ended ended =
            fakes::run({"/bin/bash", "-uc", script}, "", {"PATH=/usr/bin:/bin"});
        EXPECT_EQ(ended.err, "");
        return ended.out;
    }

    const OnAMachine machine_{R"(
        01:00.0 0300 10de:2489 group 1 driver nouveau
        01:00.1 0403 10de:228b group 1 driver snd_hda_intel
        02:00.0 0300 1002:73bf group 3 driver amdgpu
    )"};
};

TEST_F(BashCompletion, OffersVerbs) {
    EXPECT_EQ(offers({"re"}), "reattach\nreset\n");
    EXPECT_EQ(offers({"sta"}), "status\n");
}

TEST_F(BashCompletion, OffersTheGpusOfTheMachine) {
    EXPECT_EQ(offers({"detach", ""}), "0000:01:00.0\n0000:02:00.0\n");
    EXPECT_EQ(offers({"status", "0000:02"}), "0000:02:00.0\n");
}

TEST_F(BashCompletion, OffersTheActionsOfAPlanAndThenGpus) {
    EXPECT_EQ(offers({"plan", "de"}), "detach\n");
    EXPECT_EQ(offers({"plan", "detach", "0000:01"}), "0000:01:00.0\n");
}

TEST_F(BashCompletion, OffersOptionsAndTheirWords) {
    EXPECT_THAT(offers({"--"}), HasSubstr("--json\n"));
    EXPECT_THAT(offers({"detach", "--"}), HasSubstr("--override\n"));
    EXPECT_THAT(offers({"list", "--"}), Not(HasSubstr("--override\n")));
    EXPECT_EQ(offers({"detach", "--override", "I"}), "InUse\n");
}

TEST_F(BashCompletion, OffersFilesWithTheXmlOfAVm) {
    machine_.kernel.put("win11.xml", "");
    machine_.kernel.put("notes.txt", "");
    const std::string folder = machine_.kernel.path();
    EXPECT_EQ(offers({"doctor", "--vm"}), "--vm\n");
    EXPECT_EQ(offers({"doctor", "--vm", folder + "/"}), folder + "/win11.xml\n");
}

TEST_F(BashCompletion, KnowsEveryVerb) {
    const std::string help = machine_.run({"help"}).out;
    const std::string verbs = offers({""});
    EXPECT_THAT(help, Not(HasSubstr("complete-gpus")));
    std::istringstream lines(verbs);
    for (std::string verb; std::getline(lines, verb);) {
        EXPECT_THAT(help, HasSubstr("\n  " + verb + " ")) << verb;
    }
}

}  // namespace
}  // namespace passthru
