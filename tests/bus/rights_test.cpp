// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/authority.hpp"
#include "tests/bus/daemon_on_a_bus.hpp"
#include "tests/bus/fake_polkit.hpp"
#include "tests/bus/ordinary_user.hpp"

#include <csignal>
#include <filesystem>
#include <gmock/gmock.h>
#include <pugixml.hpp>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

namespace passthru::bus_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::StartsWith;

constexpr const char* access_denied = "org.freedesktop.DBus.Error.AccessDenied";
constexpr uid_t nobody = 65534;

class Rights : public DaemonOnABus {
protected:
    void SetUp() override {
        if (::getuid() != 0) GTEST_SKIP() << "only root can become another user";
    }

    /// The call by another user.
    Answer as_nobody(const std::function<Answer(Client&)>& call) const {
        const std::string text = bus_test::as_nobody([&] {
            Client client(bus_.address());
            const Answer answer = call(client);
            return answer.error + "\n" + answer.text;
        });
        const std::size_t newline = text.find('\n');
        return {text.substr(0, newline), text.substr(newline + 1)};
    }
    Answer detach_as_nobody(bool interactive = false) const {
        return as_nobody([interactive](Client& client) {
            return client.call({first_gpu, gpu_interface, "Detach", interactive}, "a{sv}", 0);
        });
    }
};

TEST_F(Rights, AreAskedOfPolkitWithTheGpu) {
    FakePolkit polkit(bus_.address(), Verdict::Yes);
    EXPECT_EQ(detach_as_nobody().error, "");
    EXPECT_EQ(owner(first_gpu), "((\"administrator\", \"65534\", \"nobody\"))");
    const std::vector<Asked> asked = polkit.finish();
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].action, "org.passthru1.detach");
    EXPECT_EQ(asked[0].subject_kind, "system-bus-name");
    EXPECT_THAT(asked[0].subject, StartsWith(":1."));
    EXPECT_THAT(asked[0].details, ElementsAre(Pair("gpu", "0000:01:00.0")));
    EXPECT_FALSE(asked[0].interactive);
}

TEST_F(Rights, AllowAPromptOnlyWhereTheCallerDoes) {
    FakePolkit polkit(bus_.address(), Verdict::Yes);
    EXPECT_EQ(detach_as_nobody(true).error, "");
    const Answer back = as_nobody([](Client& client) {
        return client.call({first_gpu, gpu_interface, "Reattach"}, "a{sv}", 0);
    });
    EXPECT_EQ(back.error, "");
    const std::vector<Asked> asked = polkit.finish();
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_TRUE(asked[0].interactive);
    EXPECT_EQ(asked[1].action, "org.passthru1.reattach");
    EXPECT_FALSE(asked[1].interactive);
}

TEST_F(Rights, ThatPolkitDeniesAreDenied) {
    FakePolkit polkit(bus_.address(), Verdict::No);
    const Answer answer = detach_as_nobody();
    EXPECT_EQ(answer.error, access_denied);
    EXPECT_THAT(answer.text, HasSubstr("org.passthru1.detach"));
    EXPECT_THAT(kernel_.writes(), IsEmpty());
}

TEST_F(Rights, ThatNeedAPasswordSaySo) {
    FakePolkit polkit(bus_.address(), Verdict::Challenge);
    EXPECT_EQ(detach_as_nobody().error,
              "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
    EXPECT_THAT(kernel_.writes(), IsEmpty());
}

TEST_F(Rights, ThatNobodyCanBeAskedForSaySo) {
    FakePolkit polkit(bus_.address(), Verdict::Challenge);
    EXPECT_THAT(detach_as_nobody(false).text, HasSubstr("does not let us ask"));
    EXPECT_THAT(detach_as_nobody(true).text, HasSubstr("start a polkit agent"));
}

TEST_F(Rights, OfOneUserWaitForNoMoreThanSomeAnswers) {
    FakePolkit polkit(bus_.address(), Verdict::Never);
    const std::string text = bus_test::as_nobody([&] {
        Client first(bus_.address());
        Client second(bus_.address());
        const Method method{first_gpu, gpu_interface, "Detach", true};
        for (int i = 0; i < 8; ++i) std::ignore = first.start(method, "a{sv}", 0);
        // Those have arrived when a later call is answered.
        std::ignore = first.property("/org/passthru1", manager, "Version");
        for (int i = 0; i < 8; ++i) std::ignore = second.start(method, "a{sv}", 0);
        const Answer answer = second.call(method, "a{sv}", 0);
        return answer.error + " " + answer.text;
    });
    EXPECT_THAT(text, StartsWith("org.freedesktop.DBus.Error.LimitsExceeded 16 calls of nobody"));
    EXPECT_TRUE(client_->wait_until([&] { return polkit.asked() >= 16; }));
    EXPECT_EQ(polkit.finish().size(), 16U);
    EXPECT_TRUE(detach(first_gpu).ok());
    EXPECT_TRUE(reattach(first_gpu).ok());
}

TEST_F(Rights, OfOneUserAreForNoMoreThanSomeCallsAtOnce) {
    const FakePolkit polkit(bus_.address(), Verdict::Yes);
    kernel_.plan_fault("unbind", *parse_bdf("0000:01:00.1"), fakes::Fault::Block);
    const Method method{first_gpu, gpu_interface, "Detach"};
    const Answer refused = as_nobody([&](Client& client) {
        // polkit is asked of one after the other.
        const auto reattach = [&] {
            return client.call({second_gpu, gpu_interface, "Reattach"}, "a{sv}", 0);
        };
        for (int i = 0; i < 15; ++i) std::ignore = client.start(method, "a{sv}", 0);
        if (!reattach().ok()) return Answer{"too early", ""};
        std::ignore = client.start(method, "a{sv}", 0);
        return reattach();
    });
    EXPECT_EQ(refused.error, "org.freedesktop.DBus.Error.LimitsExceeded");
    EXPECT_EQ(refused.text, "16 calls of nobody are under way already: wait for one of them");
    wait_for_a_blocked_write();
    kernel_.unblock();
    wait_for_state(first_gpu, "detached");
    EXPECT_EQ(detach_as_nobody().error, "") << "all are answered";
}

TEST_F(Rights, WhosePromptIsDismissedAreDenied) {
    FakePolkit polkit(bus_.address(), Verdict::Dismissed);
    EXPECT_EQ(detach_as_nobody(true).error, access_denied);
}

TEST_F(Rights, ThatNobodyAnswersForHoldUpNobodyElse) {
    FakePolkit polkit(bus_.address(), Verdict::Never);
    const pid_t child = ::fork();
    if (child == 0) {
        const bool other = ::setgid(nobody) == 0 && ::setuid(nobody) == 0;
        Client client(bus_.address());
        if (other) client.call({first_gpu, gpu_interface, "Detach"}, "a{sv}", 0);
        ::_exit(0);
    }
    EXPECT_TRUE(client_->wait_until([&] { return polkit.asked() > 0; }));
    EXPECT_TRUE(detach(first_gpu).ok());
    EXPECT_TRUE(reattach(first_gpu).ok());
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

TEST_F(Rights, WithoutPolkitAreRootsAlone) {
    EXPECT_TRUE(detach(first_gpu).ok());
    EXPECT_TRUE(reattach(first_gpu).ok());
    const Answer answer = detach_as_nobody();
    EXPECT_EQ(answer.error, access_denied);
    EXPECT_THAT(answer.text, HasSubstr("polkit cannot be asked"));
}

TEST_F(Rights, ToLookAreEverybodys) {
    EXPECT_EQ(as_nobody([](Client& client) {
                  return client.call({"/org/passthru1", manager, "GetOwner"}, "s", "01:00.0");
              }).text,
              "(\"host\", \"\", \"\")");
    EXPECT_EQ(as_nobody([](Client& client) {
                  return client.call({first_gpu, gpu_interface, "Plan"}, "sa{sv}", "detach", 0);
              }).error,
              "");
    EXPECT_EQ(as_nobody([](Client& client) {
                  return client.property(first_gpu, gpu_interface, "State");
              }).text,
              "(\"host\")");
}

TEST_F(Rights, ToSpeakForLibvirtAreRootsEvenIfPolkitSaysYes) {
    FakePolkit polkit(bus_.address(), Verdict::Yes);
    const Answer answer = as_nobody([](Client& client) {
        return client.call({"/org/passthru1", "org.passthru1.LibvirtHook", "Notify"}, "sssssha{sv}",
                           running_uuid, "test", "prepare", "begin", "-", 0, 0);
    });
    EXPECT_EQ(answer.error, access_denied);
    EXPECT_THAT(polkit.finish(), IsEmpty());
}

TEST(MethodRules, AreThereForEveryMethodAndForNoOther) {
    std::set<std::pair<std::string, std::string>> documented;
    for (const auto& entry : std::filesystem::directory_iterator(PASSTHRU_DBUS_INTERFACES)) {
        if (entry.path().extension() != ".xml") continue;
        pugi::xml_document document;
        ASSERT_TRUE(document.load_file(entry.path().c_str())) << entry.path();
        for (const pugi::xml_node interface : document.child("node").children("interface")) {
            for (const pugi::xml_node method : interface.children("method")) {
                documented.emplace(interface.attribute("name").value(),
                                   method.attribute("name").value());
            }
        }
    }
    std::set<std::pair<std::string, std::string>> ruled;
    for (const MethodRule& rule : method_rules) ruled.emplace(rule.interface, rule.method);
    EXPECT_EQ(ruled, documented);
    EXPECT_EQ(ruled.size(), std::size(method_rules)) << "a method twice";
    EXPECT_EQ(action_for(gpu_interface, "Explode"), "");
}

}  // namespace
}  // namespace passthru::bus_test
