// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/daemon/ring_world.hpp"

#include <csignal>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

namespace passthru {

TwoCards::TwoCards() {
    spdlog::set_level(spdlog::level::off);
    // As in main: nobody waits for workers.
    std::signal(SIGCHLD, SIG_IGN);
    start();
}

TwoCards::~TwoCards() {
    kernel_.clear_faults();
    kernel_.unblock();
    hooks_.reset();
    ring_.reset();
    loop_.reset();
    // A worker that was left behind would write into the tree while it is removed.
    while (::waitpid(-1, nullptr, WNOHANG) == 0) {
        kernel_.unblock();
        ::usleep(1000);
    }
    std::signal(SIGCHLD, SIG_DFL);
}

void TwoCards::start(std::chrono::seconds step_limit) {
    hooks_.reset();
    ring_.reset();
    loop_.reset();
    loop_.emplace();
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
    Config config;
    config.gpus["*"].boot_gpu = BootGpuRule::Allow;
    ring_->set_config(std::move(config));
    ring_->start();
}

void TwoCards::wait_until(const std::function<bool()>& done, const char* what) {
    const SteadyTime deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done()) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited in vain for " << what;
        // The kernel's side is not an event of the loop: look again soon.
        sd_event_run(loop_->handle(), 5000);
    }
}

void TwoCards::wait_until_idle() {
    wait_until(
        [&] {
            for (const auto& [gpu, entry] : ring_->sets()) {
                if (entry.assignment.working()) return false;
            }
            return true;
        },
        "the end of all moves");
}

void TwoCards::wait_for_a_blocked_write() {
    wait_until([&] { return kernel_.has_blocked_write(); }, "a write that hangs");
}

std::pair<std::shared_ptr<TwoCards::Asked>, Ring::Answered> TwoCards::asking() {
    auto asked = std::make_shared<Asked>();
    return {asked, [asked](const Result<void>& result) {
                ++asked->answers;
                if (!result) asked->refusal = result.error();
            }};
}

std::shared_ptr<TwoCards::Asked> TwoCards::detach(const Bdf& set, const Owner& owner) {
    auto [asked, answered] = asking();
    ring_->detach(set, owner, ring_->wishes_for(set, {set}), answered);
    return asked;
}

std::shared_ptr<TwoCards::Asked> TwoCards::reattach(const Bdf& set,
                                                    std::optional<std::string> domain) {
    auto [asked, answered] = asking();
    ring_->reattach(set, std::move(domain), answered);
    return asked;
}

std::shared_ptr<TwoCards::Asked> TwoCards::prepare(const Owner& domain,
                                                   std::vector<Bdf> functions) {
    auto [asked, answered] = asking();
    hooks_->prepare({domain.id, domain.name, std::move(functions)}, answered);
    return asked;
}

std::shared_ptr<TwoCards::Asked> TwoCards::release(const Owner& domain) {
    auto [asked, answered] = asking();
    hooks_->release(domain.id, answered);
    return asked;
}

TwoCards::Asked TwoCards::answer(const std::shared_ptr<Asked>& asked) {
    wait_until([&] { return asked->answers > 0; }, "an answer");
    return *asked;
}

}  // namespace passthru
