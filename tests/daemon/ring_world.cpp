// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/daemon/ring_world.hpp"

#include <csignal>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

namespace passthru {

RingWorld::RingWorld(std::string_view drawing, std::chrono::seconds step_limit) : kernel_(drawing) {
    spdlog::set_level(spdlog::level::off);
    // As in main: nobody waits for workers.
    std::signal(SIGCHLD, SIG_IGN);
    start(step_limit);
}

RingWorld::~RingWorld() {
    kernel_.let_everything_go();
    stop();
    // A worker that was left behind would write into the tree while it is removed.
    wait_until_no_worker_is_left();
    std::signal(SIGCHLD, SIG_DFL);
}

void RingWorld::stop() {
    hooks_.reset();
    ring_.reset();
    seen_standing_ = {};
    loop_.reset();
}

void RingWorld::start(std::chrono::seconds step_limit) {
    stop();
    loop_.emplace();
    // So that a write that comes to stand still wakes the loop.
    standing_ = UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    ::inotify_add_watch(standing_.get(), (kernel_.path() / "fake/blocked").c_str(), IN_CREATE);
    seen_standing_ = loop_->watch(standing_.get(), EPOLLIN, [this](std::uint32_t) {
        char buffer[4096];
        std::ignore = ::read(standing_.get(), buffer, sizeof buffer);
    });
    ring_.emplace(*loop_,
                  Ring::Settings{kernel_.root(),
                                 {{}, PASSTHRU_FAKE_WORKER, {"--root", kernel_.path().string()}},
                                 step_limit},
                  journal_,
                  Ring::Observer{[this] { ++changes_; },
                                 [this](const Bdf&, std::chrono::seconds, const std::string& who) {
                                     releases_.push_back(who);
                                 },
                                 [this](std::uint64_t job, const Result<void>& result) {
                                     jobs_ended_.emplace_back(job, result.has_value());
                                 }});
    hooks_.emplace(*ring_, DomainMemory(kernel_.path() / "state"));
    ring_->set_config(config_);
    ring_->start();
}

void RingWorld::wait_until(const std::function<bool()>& done, const char* what) {
    constexpr std::chrono::microseconds patience = std::chrono::seconds(30);
    const SteadyTime deadline = std::chrono::steady_clock::now() + patience;
    while (!done()) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited in vain for " << what;
        sd_event_run(loop_->handle(), static_cast<std::uint64_t>(patience.count()));
    }
}

void RingWorld::wait_until_idle() {
    wait_until([&] { return !ring_->busy(); }, "the end of all moves");
}

void RingWorld::wait_for_a_blocked_write() {
    wait_until([&] { return kernel_.has_blocked_write(); }, "a write that hangs");
}

void RingWorld::wait_until_no_worker_is_left() {
    // Where nobody is told of their end it waits for the last one (wait(2), SIGCHLD ignored).
    EXPECT_EQ(::waitpid(-1, nullptr, 0), -1);
}

std::pair<std::shared_ptr<RingWorld::Asked>, Ring::Answered> RingWorld::asking() {
    auto asked = std::make_shared<Asked>();
    return {asked, [asked](const Result<void>& result) {
                ++asked->answers;
                if (!result) asked->refusal = result.error();
            }};
}

std::shared_ptr<RingWorld::Asked> RingWorld::detach(const Bdf& set, const Owner& owner) {
    auto [asked, answered] = asking();
    ring_->detach(set, owner, ring_->wishes_for(set, {set}), ":1.1", answered);
    return asked;
}

std::shared_ptr<RingWorld::Asked> RingWorld::reattach(const Bdf& set,
                                                      std::optional<std::string> domain) {
    auto [asked, answered] = asking();
    ring_->reattach(set, std::move(domain), answered);
    return asked;
}

std::shared_ptr<RingWorld::Asked> RingWorld::prepare(const Owner& domain,
                                                     std::vector<Bdf> functions) {
    auto [asked, answered] = asking();
    hooks_->prepare({domain.id, domain.name, std::move(functions)}, ":1.1", answered);
    return asked;
}

std::shared_ptr<RingWorld::Asked> RingWorld::release(const Owner& domain) {
    auto [asked, answered] = asking();
    hooks_->release(domain.id, answered);
    return asked;
}

RingWorld::Asked RingWorld::answer(const std::shared_ptr<Asked>& asked) {
    wait_until([&] { return asked->answers > 0; }, "an answer");
    return *asked;
}

TwoCards::TwoCards()
    : RingWorld(R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel
        00:06.0 0604 8086:464d group 2 driver pcieport
          02:00.0 0300 1002:73bf group 3 driver amdgpu
          02:00.1 0403 1002:ab28 group 4 driver snd_hda_intel
        00:1f.0 0200 8086:15f3 group 5 driver igc
    )") {}

}  // namespace passthru
