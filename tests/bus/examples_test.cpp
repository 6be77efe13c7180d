// SPDX-License-Identifier: LGPL-2.1-or-later
// The examples of the documentation, as they are printed there.
#include "tests/bus/daemon_on_a_bus.hpp"
#include "tests/fakes/process.hpp"
#include "tests/fakes/terminal.hpp"

#include <fstream>
#include <gmock/gmock.h>

namespace passthru::bus_test {
namespace {

using fakes::Running;

/// One block of code, and the block that follows with what it says.
struct Example {
    int line = 0;
    std::string language;
    std::string code;
    std::string says;
};

std::vector<Example> examples_of(const std::string& page) {
    std::vector<Example> examples;
    std::ifstream file(PASSTHRU_DOCS "/" + page);
    std::string* block = nullptr;
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        if (line == "```") {
            block = nullptr;
        } else if (line == "```text") {
            block = &examples.back().says;
        } else if (line.starts_with("```")) {
            examples.push_back({number, line.substr(3), "", ""});
            block = &examples.back().code;
        } else if (block != nullptr) {
            *block += line + '\n';
        }
    }
    return examples;
}

class TheExamples : public DaemonOnABus {
protected:
    [[nodiscard]] std::vector<std::string> command_of(const Example& example) const {
        if (example.language == "sh") return {"/bin/bash", "-c", example.code};
        if (example.language == "python") return {"/usr/bin/python3", "-c", example.code};
        return {PASSTHRU_PRINTED_EXAMPLE};
    }
    /// What it says, with its complaints behind.
    [[nodiscard]] std::string answer_of(const Example& example) {
        if (example.says.starts_with("listening\n")) return answer_when_told(example);
        const fakes::Ended ended =
            fakes::run(command_of(example), "",
                       {"PATH=/usr/bin:/bin", "DBUS_SYSTEM_BUS_ADDRESS=" + bus_.address()});
        return ended.out + ended.err;
    }
    /// Of a program that waits for the GPU to come back.
    [[nodiscard]] std::string answer_when_told(const Example& example) {
        Running program(command_of(example), Running::Output::Pipe);
        if (program.wait_to_print("listening\n")) {
            EXPECT_TRUE(detach(first_gpu).ok());
            EXPECT_TRUE(reattach(first_gpu).ok());
        }
        EXPECT_EQ(program.wait(), 0);
        return program.printed();
    }
    void run_page(const std::string& page, std::size_t at_least) {
        const auto examples = examples_of(page);
        EXPECT_GE(examples.size(), at_least);
        for (const Example& example : examples) {
            EXPECT_EQ(answer_of(example), example.says) << page << ':' << example.line;
            // A lease that has ended goes home by itself.
            wait_for_state(first_gpu, "host");
        }
        EXPECT_EQ(changes_of_the_machine(), "");
    }
};

TEST_F(TheExamples, OfTheShellDoWhatTheySay) {
    run_page("examples-shell.md", 10);
}

TEST_F(TheExamples, OfProgramsDoWhatTheySay) {
    run_page("examples-programs.md", 4);
}

}  // namespace
}  // namespace passthru::bus_test
