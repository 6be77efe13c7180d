// SPDX-License-Identifier: LGPL-2.1-or-later
// Holders as the real /proc shows them.
#include "libpassthru/safety/holders.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;
using fakes::FakeKernel;
using fakes::operator""_bdf;
using testing::ElementsAre;
using testing::IsEmpty;

/// A process of our own that uses a node in the way that `use` does, seen in the real /proc.
class AProcessOfThisMachine : public testing::Test {
protected:
    AProcessOfThisMachine() {
        fs::remove(kernel_.path() / "proc");
        fs::create_directory_symlink("/proc", kernel_.path() / "proc");
    }

    ~AProcessOfThisMachine() override {
        if (child_ <= 0) return;  // kill(-1) means everybody
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }

    /// `use` runs in the child and says whether it worked.
    template <typename Use>
    void start(Use use) {
        int ready[2];
        ASSERT_EQ(::pipe(ready), 0);
        child_ = ::fork();
        ASSERT_GE(child_, 0);
        if (child_ == 0) {
            std::ignore = ::write(ready[1], use() ? "y" : "n", 1);
            ::pause();
            ::_exit(0);
        }
        char answer = 'n';
        EXPECT_EQ(::read(ready[0], &answer, 1), 1);
        ::close(ready[0]);
        ::close(ready[1]);
        ASSERT_EQ(answer, 'y');
    }

    /// The card's node is called otherwise than the file that has its number.
    void node_has(const std::string& number, const std::string& name) const {
        kernel_.put("sys/bus/pci/devices/0000:01:00.0/drm/card0/dev", number + "\n");
        kernel_.put("sys/bus/pci/devices/0000:01:00.0/drm/card0/uevent", "DEVNAME=" + name + "\n");
    }

    /// `/dev/dri/card0 of user 1000`
    [[nodiscard]] std::vector<std::string> found() const {
        std::vector<std::string> result;
        for (const Holder& it : find_holders(kernel_.root(), {"01:00.0"_bdf})) {
            if (it.pid == child_) result.push_back(fmt::format("{} of user {}", it.node, it.uid));
        }
        return result;
    }

    const FakeKernel kernel_{"01:00.0 0300 10de:2489 group 1 driver nouveau"};
    pid_t child_ = -1;
};

TEST_F(AProcessOfThisMachine, IsFoundByTheNumberOfItsNode) {
    node_has("1:7", "dri/card0");
    start([] { return ::open("/dev/full", O_RDWR) >= 0; });
    EXPECT_THAT(found(), ElementsAre(fmt::format("/dev/dri/card0 of user {}", ::getuid())));
}

TEST_F(AProcessOfThisMachine, IsNotFoundByANodeOfTheSameNameAndAnotherNumber) {
    node_has("1:77", "full");
    start([] { return ::open("/dev/full", O_RDWR) >= 0; });
    EXPECT_THAT(found(), IsEmpty());
}

TEST_F(AProcessOfThisMachine, IsFoundByWhatItMappedBeforeItClosedTheNode) {
    node_has("1:77", "zero");
    start([] {
        const int fd = ::open("/dev/zero", O_RDONLY);
        void* const memory = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
        return memory != MAP_FAILED && ::close(fd) == 0;
    });
    EXPECT_THAT(found(), ElementsAre(fmt::format("/dev/zero of user {}", ::getuid())));
}

/// Who changed its user may be looked at by few: `CapEff` of proc(5), bit 19 is CAP_SYS_PTRACE.
bool may_see_everybody() {
    const std::string status = read_attribute("/proc/self/status").value_or("");
    const std::size_t at = status.find("CapEff:");
    if (::getuid() != 0 || at == std::string::npos) return false;
    return ((std::stoull(status.substr(at + 7), nullptr, 16) >> 19) & 1) != 0;
}

TEST_F(AProcessOfThisMachine, IsOfTheUserItBecame) {
    const uid_t user = may_see_everybody() ? 65534 : ::getuid();
    node_has("1:7", "dri/card0");
    start([&] { return ::open("/dev/full", O_RDWR) >= 0 && ::setuid(user) == 0; });
    EXPECT_THAT(found(), ElementsAre(fmt::format("/dev/dri/card0 of user {}", user)));
}

}  // namespace
}  // namespace passthru
