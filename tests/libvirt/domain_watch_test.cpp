// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/libvirt/domain_watch.hpp"

#include "daemon/loop/unique_fd.hpp"
#include "tests/libvirt/private_libvirtd.hpp"

#include <csignal>
#include <cstring>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libvirt/libvirt.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace passthru::libvirt_test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// The domain that libvirt's test driver starts with.
constexpr const char* test_name = "test";
constexpr const char* test_uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";

class Libvirt : public testing::Test {
protected:
    /// Runs the loop until `done`, or 20 s.
    bool wait_until(const std::function<bool()>& done, steady_clock::duration longest = 20s) {
        const auto end = steady_clock::now() + longest;
        while (!done() && steady_clock::now() < end) sd_event_run(loop.handle(), 20'000);
        return done();
    }

    template <typename T>
    std::size_t count() const {
        std::size_t number = 0;
        for (const LibvirtEvent& event : events) number += std::holds_alternative<T>(event) ? 1 : 0;
        return number;
    }
    template <typename T>
    bool wait_for(std::size_t number = 1) {
        return wait_until([&] { return count<T>() >= number; });
    }
    template <typename T>
    std::optional<T> last() const {
        std::optional<T> found;
        for (const LibvirtEvent& event : events) {
            if (std::holds_alternative<T>(event)) found = std::get<T>(event);
        }
        return found;
    }

    std::unique_ptr<DomainWatch> watch(Reconnect rule) {
        return std::make_unique<DomainWatch>(
            loop, uri, Root(folder.path()), rule,
            [this](LibvirtEvent event) { events.push_back(std::move(event)); });
    }

    /// What an administrator does.
    static void destroy_domain(const std::string& at) {
        const virConnectPtr connection = virConnectOpen(at.c_str());
        ASSERT_NE(connection, nullptr);
        const virDomainPtr domain = virDomainLookupByName(connection, test_name);
        EXPECT_EQ(virDomainDestroy(domain), 0);
        virDomainFree(domain);
        virConnectClose(connection);
    }

    TemporaryFolder folder;
    std::string uri = PrivateLibvirtd::uri(folder.path());
    EventLoop loop;
    std::vector<LibvirtEvent> events;
};

/// Listens where libvirtd would, as systemd does for it, and never answers.
class SilentSocket {
public:
    explicit SilentSocket(const std::filesystem::path& path)
        : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        std::filesystem::remove(path);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(fd_.get(), 5), 0);
    }
    [[nodiscard]] bool has_visitor() const {
        pollfd poll{fd_.get(), POLLIN, 0};
        return ::poll(&poll, 1, 0) > 0;
    }

private:
    UniqueFd fd_;
};

TEST(TheSystemsLibvirt, IsNeverWokenUp) {
    EXPECT_EQ(reconnect_rule("qemu:///system"), Reconnect::WhileDaemonRuns);
    EXPECT_EQ(reconnect_rule("test:///default"), Reconnect::Always);
}

TEST_F(Libvirt, TellsOfDomainsAndTheirEvents) {
    const PrivateLibvirtd libvirtd(folder.path());
    const auto watching = watch(Reconnect::Always);
    ASSERT_TRUE(wait_for<LibvirtConnected>());

    const auto before = steady_clock::now();
    watching->list_active();
    ASSERT_TRUE(wait_for<ActiveDomains>());
    EXPECT_THAT(last<ActiveDomains>()->domains,
                testing::ElementsAre(testing::Pair(test_uuid, test_name)));
    EXPECT_GE(last<ActiveDomains>()->asked_at, before);

    destroy_domain(uri);
    ASSERT_TRUE(wait_for<DomainEvent>());
    EXPECT_EQ(last<DomainEvent>()->uuid, test_uuid);
    watching->list_active();
    ASSERT_TRUE(wait_for<ActiveDomains>(2));
    EXPECT_THAT(last<ActiveDomains>()->domains, testing::IsEmpty());
}

TEST_F(Libvirt, IsFoundAgainAfterACrash) {
    std::optional<PrivateLibvirtd> libvirtd(folder.path());
    const auto watching = watch(Reconnect::Always);
    ASSERT_TRUE(wait_for<LibvirtConnected>());
    libvirtd->stop(SIGKILL);
    ASSERT_TRUE(wait_for<LibvirtGone>());

    // A wish without a connection waits for one.
    watching->list_active();
    libvirtd.emplace(folder.path());
    ASSERT_TRUE(wait_for<LibvirtConnected>(2));
    ASSERT_TRUE(wait_for<ActiveDomains>());
    destroy_domain(uri);
    EXPECT_TRUE(wait_for<DomainEvent>());
    EXPECT_EQ(count<LibvirtGone>(), 1U);
}

TEST_F(Libvirt, IsFoundWhenItStartsAfterUs) {
    const auto watching = watch(Reconnect::WhileDaemonRuns);
    wait_until([] { return false; }, 300ms);
    EXPECT_THAT(events, testing::IsEmpty());
    const PrivateLibvirtd libvirtd(folder.path());
    EXPECT_TRUE(wait_for<LibvirtConnected>());
}

TEST_F(Libvirt, IsFoundAgainWhenTheAdministratorRestartsIt) {
    std::optional<PrivateLibvirtd> libvirtd(folder.path());
    const auto watching = watch(Reconnect::WhileDaemonRuns);
    ASSERT_TRUE(wait_for<LibvirtConnected>());
    for (const int signal : {SIGTERM, SIGKILL}) {
        const std::size_t losses = count<LibvirtGone>();
        libvirtd->stop(signal);
        ASSERT_TRUE(wait_for<LibvirtGone>(losses + 1));
        libvirtd.emplace(folder.path());
        ASSERT_TRUE(wait_for<LibvirtConnected>(losses + 2));
    }
}

TEST_F(Libvirt, IsNotWokenUpWhenItDoesNotRun) {
    const SilentSocket of_systemd(PrivateLibvirtd::socket(folder.path()));
    const auto watching = watch(Reconnect::WhileDaemonRuns);
    wait_until([] { return false; }, 700ms);
    EXPECT_FALSE(of_systemd.has_visitor());
    EXPECT_THAT(events, testing::IsEmpty());
}

/// It hangs up first and ends later; who connects in between makes systemd start it again.
TEST_F(Libvirt, IsNotWokenUpWhileItIsBeingStopped) {
    const LockHolder main_process(folder.path() / "run" / "virtqemud.pid");
    std::optional<PrivateLibvirtd> libvirtd(folder.path());
    std::error_code error;
    ASSERT_TRUE(wait_until(
        [&] { return std::filesystem::exists(folder.path() / "run/libvirtd.pid", error); }));
    std::filesystem::remove(folder.path() /
                            "run/libvirtd.pid");  // it is virtqemud that serves us here
    const auto watching = watch(Reconnect::WhileDaemonRuns);
    ASSERT_TRUE(wait_for<LibvirtConnected>());
    libvirtd->stop(SIGKILL);
    const SilentSocket of_systemd(PrivateLibvirtd::socket(folder.path()));
    ASSERT_TRUE(wait_for<LibvirtGone>());
    wait_until([] { return false; }, 1s);
    EXPECT_FALSE(of_systemd.has_visitor());
}

TEST_F(Libvirt, ThatHangsDoesNotKeepUsFromEnding) {
    std::optional<SilentSocket> silent(PrivateLibvirtd::socket(folder.path()));
    auto watching = watch(Reconnect::Always);
    ASSERT_TRUE(wait_until([&] { return silent->has_visitor(); }));
    watching->list_active();
    const auto before = steady_clock::now();
    watching.reset();
    EXPECT_LT(steady_clock::now() - before, 5s);
    silent.reset();  // the call comes back into a process that does not listen any more
    wait_until([] { return false; }, 200ms);
    EXPECT_THAT(events, testing::IsEmpty());
}

TEST_F(Libvirt, OfThisProcessWorksToo) {
    uri = "test:///default";
    const auto watching = watch(reconnect_rule(uri));
    ASSERT_TRUE(wait_for<LibvirtConnected>());
    destroy_domain(uri);
    EXPECT_TRUE(wait_for<DomainEvent>());
}

}  // namespace
}  // namespace passthru::libvirt_test
