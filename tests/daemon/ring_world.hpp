// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/hook_service.hpp"
#include "tests/daemon/desk.hpp"

#include <gtest/gtest.h>

namespace passthru {

/// A ring on a machine with two cards, with a real loop, a real journal and real processes for
/// workers.
class TwoCards : public testing::Test {
protected:
    TwoCards();
    ~TwoCards() override;

    /// The daemon that is running dies, its worker not; a new one reads the journal.
    void start(std::chrono::seconds step_limit = std::chrono::seconds(30));

    /// Lets the loop run until `done`, or fails after a long time.
    void wait_until(const std::function<bool()>& done, const char* what);
    void wait_until_idle();
    void wait_for_a_blocked_write();

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

    const Bdf first_ = fakes::operator""_bdf("01:00.0", 7);
    const Bdf first_audio_ = fakes::operator""_bdf("01:00.1", 7);
    const Bdf second_ = fakes::operator""_bdf("02:00.0", 7);
    const fakes::FakeKernel kernel_{R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel
        00:06.0 0604 8086:464d group 2 driver pcieport
          02:00.0 0300 1002:73bf group 3 driver amdgpu
          02:00.1 0403 1002:ab28 group 4 driver snd_hda_intel
        00:1f.0 0200 8086:15f3 group 5 driver igc
    )"};
    const std::string untouched_ = kernel_.dump();
    const Journal journal_{kernel_.path() / "run", "boot-1"};
    std::optional<EventLoop> loop_;
    std::optional<Ring> ring_;
    std::optional<HookService> hooks_;
    std::vector<std::pair<std::uint64_t, bool>> jobs_ended_;
    std::vector<std::string> releases_;
    int changes_ = 0;
};

}  // namespace passthru
