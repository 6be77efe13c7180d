// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/hook_service.hpp"
#include "tests/daemon/desk.hpp"

#include <gtest/gtest.h>

namespace passthru {

/// A ring on a drawn machine, with a real loop, a real journal and real processes for workers.
class RingWorld {
public:
    explicit RingWorld(std::string_view drawing,
                       std::chrono::seconds step_limit = std::chrono::seconds(30));
    ~RingWorld();
    RingWorld(const RingWorld&) = delete;
    RingWorld& operator=(const RingWorld&) = delete;

    /// The daemon that is running dies, its worker not; a new one reads the journal.
    void start(std::chrono::seconds step_limit = std::chrono::seconds(30));
    /// The daemon dies, and there is none until `start`.
    void stop();

    /// Lets the loop run until `done`, or fails after a long time.
    void wait_until(const std::function<bool()>& done, const char* what);
    void wait_until_idle();
    void wait_for_a_blocked_write();
    /// Works also while there is no daemon.
    static void wait_until_no_worker_is_left();

    struct Asked {
        int answers = 0;
        std::optional<Error> refusal;
        [[nodiscard]] bool succeeded() const { return answers == 1 && !refusal; }
    };
    /// Something to answer into.
    [[nodiscard]] static std::pair<std::shared_ptr<Asked>, Ring::Answered> asking();
    std::shared_ptr<Asked> detach(const Bdf& set, const Owner& owner);
    std::shared_ptr<Asked> reattach(const Bdf& set,
                                    std::optional<std::string> domain = std::nullopt);
    std::shared_ptr<Asked> prepare(const Owner& domain, std::vector<Bdf> functions);
    std::shared_ptr<Asked> release(const Owner& domain);
    /// Waits for the answer.
    Asked answer(const std::shared_ptr<Asked>& asked);

    [[nodiscard]] const SetEntry& entry(const Bdf& set) const { return ring_->sets().at(set); }
    [[nodiscard]] std::string difference_to_start() const {
        return difference(untouched_, kernel_.dump());
    }

    const fakes::FakeKernel kernel_;
    const std::string untouched_ = kernel_.dump();
    const Journal journal_{kernel_.path() / "run", "boot-1"};
    /// What `start` configures; lets move what shows the host's console.
    Config config_ = [] {
        Config config;
        config.gpus["*"].boot_gpu = BootGpuRule::Allow;
        return config;
    }();
    std::optional<EventLoop> loop_;
    std::optional<Ring> ring_;
    std::optional<HookService> hooks_;
    std::vector<std::pair<std::uint64_t, bool>> jobs_ended_;
    std::vector<std::string> releases_;
    int changes_ = 0;

private:
    UniqueFd standing_;
    EventSource seen_standing_;
};

/// On a machine with two cards.
class TwoCards : public testing::Test, protected RingWorld {
protected:
    TwoCards();

    const Bdf first_ = fakes::operator""_bdf("01:00.0", 7);
    const Bdf first_audio_ = fakes::operator""_bdf("01:00.1", 7);
    const Bdf second_ = fakes::operator""_bdf("02:00.0", 7);
};

}  // namespace passthru
