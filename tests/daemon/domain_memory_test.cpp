// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/domain_memory.hpp"

#include "tests/fakes/fake_kernel.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;
using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* with_a_gpu = R"(
    01:00.0 0300 10de:2489 group 1
    01:00.1 0403 10de:228b group 1
    02:00.0 0108 144d:a808 group 2
    03:00.0 0c03 1b21:2142 group 3
)";
/// The card was pulled out, and everything behind it moved up.
constexpr const char* without_the_gpu = R"(
    01:00.0 0108 144d:a808 group 1
    02:00.0 0c03 1b21:2142 group 2
)";

Inventory machine(const char* drawing) {
    return FakeKernel(drawing).inventory();
}

class TheMemoryOfAVm : public testing::Test {
protected:
    [[nodiscard]] fs::path file() const { return folder_ / (vm_.uuid + ".json"); }
    [[nodiscard]] std::string text() const { return read_attribute(file()).value_or(""); }
    void write(const std::string& text) const {
        fs::create_directories(folder_);
        std::ofstream(file()) << text;
    }
    void remember_a_gpu() const { ASSERT_TRUE(memory_.remember(vm_, machine(with_a_gpu))); }
    [[nodiscard]] bool is_surprised_by(const char* drawing) const {
        const auto checked = memory_.check(vm_, machine(drawing));
        EXPECT_TRUE(checked || checked.error().code == Errc::AddressChanged);
        return !checked;
    }

    const FakeKernel place_{""};
    const fs::path folder_ = place_.path() / "lib/domains";
    const DomainMemory memory_{folder_};
    const DomainRequest vm_{
        "c1a4f3d2-0000-4000-8000-000000000001", "win11", {"01:00.0"_bdf, "01:00.1"_bdf}};
    const DomainRequest vm_with_usb_{vm_.uuid, vm_.name, {"03:00.0"_bdf}};
};

TEST_F(TheMemoryOfAVm, AgreesWithAMachineThatIsAsItWas) {
    remember_a_gpu();
    EXPECT_FALSE(is_surprised_by(with_a_gpu));
}

TEST_F(TheMemoryOfAVm, OutlivesTheDaemon) {
    remember_a_gpu();
    EXPECT_FALSE(DomainMemory(folder_).check(vm_, machine(without_the_gpu)));
}

TEST_F(TheMemoryOfAVm, NamesTheAddressWhatWasThereWhatIsThereAndTheVm) {
    remember_a_gpu();
    const auto checked = memory_.check(vm_, machine(without_the_gpu));
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, Errc::AddressChanged);
    EXPECT_THAT(
        checked.error().message,
        AllOf(HasSubstr("0000:01:00.0 was 10de:2489 (VGA controller)"), HasSubstr("VM “win11”"),
              HasSubstr("is 144d:a808 (NVMe disk) now"), HasSubstr("passthructl forget win11")));
}

TEST_F(TheMemoryOfAVm, IsNotSurprisedByANewGpuInTheOldOnesSlotNorByTheNewOnesAudio) {
    remember_a_gpu();
    EXPECT_FALSE(
        is_surprised_by("01:00.0 0300 1002:73bf group 1\n"
                        "01:00.1 0403 1002:ab28 group 1"));
    EXPECT_FALSE(is_surprised_by("01:00.0 0302 10de:20b5 group 1"));
}

TEST_F(TheMemoryOfAVm, IsSurprisedByAnythingElseBesideANewGpu) {
    remember_a_gpu();
    EXPECT_TRUE(
        is_surprised_by("01:00.0 0300 1002:73bf group 1\n"
                        "01:00.1 0106 1002:7901 group 1"));
}

TEST_F(TheMemoryOfAVm, IsSurprisedByAnotherSoundCardWhereNoGpuIsBesideIt) {
    remember_a_gpu();
    EXPECT_TRUE(is_surprised_by("01:00.1 0403 1002:ab28 group 1"));
}

TEST_F(TheMemoryOfAVm, IsSurprisedByAnotherDeviceOfTheSameClassThatIsNoGpu) {
    ASSERT_TRUE(memory_.remember(vm_with_usb_, machine(with_a_gpu)));
    EXPECT_TRUE(memory_.check(vm_with_usb_, machine("03:00.0 0c03 1b21:2142 group 3")));
    EXPECT_FALSE(memory_.check(vm_with_usb_, machine("03:00.0 0c03 8086:7ae0 group 3")));
    EXPECT_FALSE(memory_.check(vm_with_usb_, machine("03:00.0 0200 1b21:2142 group 3")));
}

TEST_F(TheMemoryOfAVm, SaysNothingOfAnAddressWhereNothingIsNow) {
    remember_a_gpu();
    EXPECT_FALSE(is_surprised_by("05:00.0 0200 8086:15f3 group 5"));
}

TEST_F(TheMemoryOfAVm, SaysNothingOfWhatTheVmDidNotListThen) {
    ASSERT_TRUE(memory_.remember(vm_with_usb_, machine(with_a_gpu)));
    EXPECT_FALSE(is_surprised_by(without_the_gpu));
}

TEST_F(TheMemoryOfAVm, IsWhatStoodThereTheLastTime) {
    remember_a_gpu();
    ASSERT_TRUE(memory_.remember(vm_, machine(without_the_gpu)));
    EXPECT_FALSE(is_surprised_by(without_the_gpu));
    EXPECT_TRUE(is_surprised_by(with_a_gpu));
}

TEST_F(TheMemoryOfAVm, IsNotWrittenAgainWhereNothingChanged) {
    remember_a_gpu();
    fs::permissions(file(), fs::perms::owner_read);
    const auto before = fs::last_write_time(file());
    remember_a_gpu();
    EXPECT_EQ(fs::last_write_time(file()), before);
    EXPECT_EQ(fs::status(file()).permissions(), fs::perms::owner_read) << "it was replaced";
}

TEST_F(TheMemoryOfAVm, IsNoneWhereItsFileIsDamaged) {
    remember_a_gpu();
    const std::string whole = text();
    for (const std::string& damaged :
         {std::string(), std::string("{"), whole.substr(0, whole.size() / 2), std::string("[]"),
          std::string("42"), std::string("{\"version\": 1}"), std::string("\xff\xfe")}) {
        SCOPED_TRACE(damaged);
        write(damaged);
        EXPECT_FALSE(is_surprised_by(without_the_gpu));
    }
    write(whole);
    EXPECT_TRUE(is_surprised_by(without_the_gpu));
}

TEST_F(TheMemoryOfAVm, IsNoneWhereAPartOfItIsNotUnderstood) {
    remember_a_gpu();
    const std::string whole = text();
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"\"version\": 1", "\"version\": 2"},
             {"\"version\": 1", "\"version\": \"1\""},
             {"0000:01:00.0", "../../../etc/passwd"},
             {"\"vendor\": 4318", "\"vendor\": 69854"},
             {"\"class\": 768", "\"class\": 66304"},
             {"\"name\": \"win11\"", "\"name\": 11"}}) {
        SCOPED_TRACE(to);
        const std::size_t at = whole.find(from);
        ASSERT_NE(at, std::string::npos) << whole;
        write(std::string(whole).replace(at, from.size(), to));
        EXPECT_FALSE(is_surprised_by(without_the_gpu));
    }
}

TEST_F(TheMemoryOfAVm, IsNoneWhereItsFileIsLargerThanAnyThatWasWritten) {
    remember_a_gpu();
    write("{" + std::string(1 << 20, ' ') + text().substr(1));
    EXPECT_FALSE(is_surprised_by(without_the_gpu));
    remember_a_gpu();
    EXPECT_TRUE(is_surprised_by(without_the_gpu)) << "and it is replaced";
}

TEST_F(TheMemoryOfAVm, IsNeverKeptUnderANameThatIsNoUuid) {
    fs::create_directories(folder_);
    const std::string before = place_.dump();
    for (const char* uuid :
         {"", ".", "..", "../../etc/passwd", "win11", "../4f3d2-0000-4000-8000-000000000001",
          "c1a4f3d2/0000/4000/8000/000000000001", "c1a4f3d2-0000-4000-8000-00000000000100"}) {
        SCOPED_TRACE(uuid);
        const DomainRequest odd{uuid, vm_.name, vm_.functions};
        EXPECT_TRUE(memory_.remember(odd, machine(with_a_gpu)));
        EXPECT_TRUE(memory_.check(odd, machine(without_the_gpu)));
        EXPECT_TRUE(fs::is_empty(folder_));
        EXPECT_EQ(std::distance(fs::directory_iterator(folder_.parent_path()), {}), 1);
    }
    EXPECT_EQ(place_.dump(), before);
}

TEST_F(TheMemoryOfAVm, IsForgottenByNameOrUuid) {
    for (const std::string& name : {vm_.name, vm_.uuid}) {
        remember_a_gpu();
        EXPECT_TRUE(memory_.forget(name));
        EXPECT_FALSE(is_surprised_by(without_the_gpu));
        EXPECT_FALSE(fs::exists(file()));
    }
}

TEST_F(TheMemoryOfAVm, IsForgottenByUuidThoughItIsDamaged) {
    write("{");
    EXPECT_TRUE(memory_.forget(vm_.uuid));
    EXPECT_FALSE(fs::exists(file()));
}

TEST_F(TheMemoryOfAVm, IsForgottenThoughAVmThatWasDeletedHadTheSameName) {
    for (char last = '2'; last < '8'; ++last) {
        DomainRequest other = vm_;
        other.uuid.back() = last;
        ASSERT_TRUE(memory_.remember(other, machine(with_a_gpu)));
    }
    remember_a_gpu();
    EXPECT_TRUE(memory_.forget(vm_.name));
    EXPECT_FALSE(is_surprised_by(without_the_gpu));
    EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(TheMemoryOfAVm, StaysWhereAnotherIsForgotten) {
    remember_a_gpu();
    for (const std::string& name : {std::string("win10"), std::string(), "../" + vm_.uuid,
                                    vm_.uuid + ".json", std::string(4000, 'x')}) {
        const auto forgotten = memory_.forget(name);
        ASSERT_FALSE(forgotten) << name;
        EXPECT_EQ(forgotten.error().code, Errc::InvalidArgs);
        EXPECT_LT(forgotten.error().message.size(), 200U);
    }
    EXPECT_TRUE(is_surprised_by(without_the_gpu));
}

TEST_F(TheMemoryOfAVm, CannotBeForgottenBeforeThereIsAny) {
    EXPECT_EQ(memory_.forget(vm_.name).error().code, Errc::InvalidArgs);
}

TEST_F(TheMemoryOfAVm, FailsWithAReasonWhereItsFolderCannotBeMade) {
    place_.put("lib", "a file where the folder should be");
    const auto remembered = memory_.remember(vm_, machine(with_a_gpu));
    ASSERT_FALSE(remembered);
    EXPECT_EQ(remembered.error().code, Errc::Failed);
    EXPECT_EQ(remembered.error().errnum, ENOTDIR);
    EXPECT_FALSE(remembered.error().message.empty());
    EXPECT_FALSE(is_surprised_by(without_the_gpu));
    EXPECT_EQ(memory_.forget(vm_.name).error().code, Errc::InvalidArgs);
}

TEST_F(TheMemoryOfAVm, FailsWithAReasonWhereItsFileCannotBeReplaced) {
    fs::create_directories(file() / "in the way");
    const auto remembered = memory_.remember(vm_, machine(with_a_gpu));
    ASSERT_FALSE(remembered);
    EXPECT_EQ(remembered.error().code, Errc::Failed);
    EXPECT_NE(remembered.error().errnum, 0);
    EXPECT_FALSE(is_surprised_by(without_the_gpu));
}

TEST_F(TheMemoryOfAVm, TakesAnyNameThatAVmMayHave) {
    for (const char* name : {"Wíndows “11”", "a\nb", "\xff\xfe", "{\"version\": 2}", "../x"}) {
        DomainRequest odd = vm_;
        odd.name = name;
        ASSERT_TRUE(memory_.remember(odd, machine(with_a_gpu))) << name;
        EXPECT_TRUE(is_surprised_by(without_the_gpu)) << name;
    }
}

}  // namespace
}  // namespace passthru
