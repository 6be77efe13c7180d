// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/journal.hpp"

#include "tests/daemon/desk.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;
using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AJournal : public testing::Test {
protected:
    void write(std::string_view name, std::string_view text) const {
        fs::create_directories(folder_);
        std::ofstream(folder_ / name) << text;
    }
    /// Exactly one file is set aside, and the complaint has `why` in it.
    void expect_rejected(std::string_view text, const std::string& why) const {
        SCOPED_TRACE(why);
        write("0000_01_00_0.json", text);
        const Journal::Contents contents = journal_.load();
        EXPECT_THAT(contents.assignments, IsEmpty());
        EXPECT_THAT(contents.complaints,
                    ElementsAre(testing::AllOf(HasSubstr("0000_01_00_0.json"), HasSubstr(why))));
        EXPECT_FALSE(fs::exists(folder_ / "0000_01_00_0.json"));
        EXPECT_TRUE(fs::exists(folder_ / "0000_01_00_0.json.rejected"));
        EXPECT_THAT(journal_.load().complaints, IsEmpty()) << "it complains once";
    }
    [[nodiscard]] std::string text() const {
        return read_attribute(folder_ / "0000_01_00_0.json").value_or("");
    }
    [[nodiscard]] std::string text_with(const std::string& from, const std::string& to) const {
        EXPECT_TRUE(journal_.save(gpu_, assignment_));
        std::string changed = text();
        EXPECT_THAT(changed, HasSubstr(from));
        return changed.replace(changed.find(from), from.size(), to);
    }
    [[nodiscard]] Assignment a_move() const {
        Desk desk(kernel_, gpu_);
        desk.detach(win11);
        desk.it.keeper = alice;
        desk.it.lent_to = 1000;
        desk.it.stopped_services = {"ollama.service"};
        desk.it.trouble = Error{Errc::InUse, "in use by “Xörg”", 16};
        return desk.it;
    }

    const Bdf gpu_ = "01:00.0"_bdf;
    const FakeKernel kernel_{R"(
        01:00.0 0300 10de:2489 group 1 driver nouveau control auto
        01:00.1 0403 10de:228b group 1 driver snd_hda_intel override snd_hda_intel
    )"};
    const fs::path folder_ = kernel_.path() / "run/sets";
    const Journal journal_{folder_, "boot-1"};
    const Assignment assignment_ = a_move();
};

TEST_F(AJournal, GivesBackWhatARestartMustKnow) {
    ASSERT_TRUE(journal_.save(gpu_, assignment_));
    const Journal::Contents contents = Journal(folder_, "boot-1").load();
    EXPECT_THAT(contents.complaints, IsEmpty());
    ASSERT_TRUE(contents.assignments.contains(gpu_));
    const Assignment& read = contents.assignments.at(gpu_);
    EXPECT_EQ(read.phase, Phase::Detaching);
    EXPECT_EQ(read.owner, win11);
    EXPECT_EQ(read.keeper, alice);
    EXPECT_EQ(read.lent_to, 1000U);
    EXPECT_EQ(read.stopped_services, std::vector<std::string>{"ollama.service"});
    EXPECT_EQ(read.trouble, assignment_.trouble);
    EXPECT_EQ(read.record, assignment_.record);
}

TEST_F(AJournal, KeepsTheLastOfTwo) {
    ASSERT_TRUE(journal_.save(gpu_, assignment_));
    Assignment later = assignment_;
    later.phase = Phase::Idle;
    ASSERT_TRUE(journal_.save(gpu_, later));
    EXPECT_EQ(journal_.load().assignments.at(gpu_).phase, Phase::Idle);
}

TEST_F(AJournal, ForgetsWhatIsDropped) {
    ASSERT_TRUE(journal_.save(gpu_, assignment_));
    journal_.drop(gpu_);
    EXPECT_THAT(journal_.load().assignments, IsEmpty());
}

TEST_F(AJournal, WithoutAFolderIsEmpty) {
    EXPECT_THAT(journal_.load().assignments, IsEmpty());
    EXPECT_THAT(journal_.load().complaints, IsEmpty());
}

TEST_F(AJournal, SetsADamagedFileAside) {
    const std::string whole = text_with("{", "{");
    for (const std::string& damaged :
         {std::string(), std::string("{"), whole.substr(0, whole.size() / 2), std::string("[]"),
          std::string("42"), std::string("{\"version\": \"1\"}")}) {
        expect_rejected(damaged, "damaged");
    }
    expect_rejected("{\"version\": 1e300}", "damaged");
    expect_rejected(std::string(30000, '[') + std::string(30000, ']'), "damaged");
    expect_rejected(text_with("\"0000:01:00.0\",\n  \"keeper\"", "7,\n  \"keeper\""), "damaged");
    expect_rejected(text_with("ollama.service", "../ollama"), "names a service wrongly");
}

TEST_F(AJournal, OfAnotherBootIsWorthNothing) {
    expect_rejected(text_with("boot-1", "boot-0"), "before the last reboot");
}

TEST_F(AJournal, OfANewerVersionIsNotGuessedAt) {
    expect_rejected(text_with("\"version\": 1", "\"version\": 2"), "another version");
}

TEST_F(AJournal, WithAnUnknownPhaseIsNotGuessedAt) {
    expect_rejected(text_with("detaching", "hibernating"), "phase is unknown");
}

TEST_F(AJournal, ThatSaysStuckMustSayWhy) {
    Assignment stuck = assignment_;
    stuck.phase = Phase::Stuck;
    stuck.trouble.reset();
    ASSERT_TRUE(journal_.save(gpu_, stuck));
    expect_rejected(text(), "no reason");
}

TEST_F(AJournal, DoesNotLoseTheOthersForADamagedOne) {
    ASSERT_TRUE(journal_.save("02:00.0"_bdf, assignment_));
    write("0000_01_00_0.json", "{");
    const Journal::Contents contents = journal_.load();
    EXPECT_EQ(contents.assignments.size(), 1U);
    EXPECT_TRUE(contents.assignments.contains("02:00.0"_bdf));
}

TEST_F(AJournal, IgnoresATemporaryFileThatACrashLeftBehind) {
    ASSERT_TRUE(journal_.save(gpu_, assignment_));
    write("0000_01_00_0.json.new", "{\"version\"");
    const Journal::Contents contents = journal_.load();
    EXPECT_EQ(contents.assignments.size(), 1U);
    EXPECT_THAT(contents.complaints, IsEmpty());
    EXPECT_TRUE(journal_.save(gpu_, assignment_)) << "and writes over it";
}

TEST_F(AJournal, SaysWhenItCannotBeWritten) {
    kernel_.put("run", "a file where the folder should be");
    const auto saved = journal_.save(gpu_, assignment_);
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().code, Errc::Failed);
    EXPECT_EQ(saved.error().errnum, ENOTDIR);
    EXPECT_THAT(saved.error().message, HasSubstr("0000_01_00_0.json"));
}

TEST(ABootId, IsTheKernels) {
    const FakeKernel kernel("01:00.0 0300 10de:2489 group 1");
    EXPECT_EQ(read_boot_id(kernel.root()), "unknown");
    kernel.put("proc/sys/kernel/random/boot_id", "3c1f\n");
    EXPECT_EQ(read_boot_id(kernel.root()), "3c1f");
}

}  // namespace
}  // namespace passthru
