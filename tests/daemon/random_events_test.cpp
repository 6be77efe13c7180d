// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever comes in whatever order: nobody waits for ever, and nothing is lost.
#include "tests/daemon/desk.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace passthru {
namespace {

using fakes::FakeKernel;
using fakes::operator""_bdf;
using namespace std::chrono_literals;

const FakeKernel& machine() {
    static const FakeKernel kernel(R"(
        00:01.0 0604 8086:460d group 1 driver pcieport
          01:00.0 0300 10de:2489 group 1 driver nouveau
          01:00.1 0403 10de:228b group 1 driver snd_hda_intel
    )");
    return kernel;
}

/// The machine as values: a job's steps change them as the worker would change the kernel.
class Model {
public:
    explicit Model(unsigned seed) : random_(seed) {}

    void play(int events) {
        for (int i = 0; i < events && !testing::Test::HasFailure(); ++i) {
            step();
            check();
        }
        finish();
    }

    [[nodiscard]] int jobs() const { return jobs_; }

private:
    void step() {
        now_ += 1s;
        switch (pick(15)) {
            case 0:
            case 1:
            case 2: return send(event::DetachWanted{ask(), anybody(), wishes()});
            case 3: return send(event::ReattachWanted{ask(), std::nullopt});
            case 4:
            case 5: return send(event::ReattachWanted{ask(), pick(2) ? win11.id : games.id});
            case 6: return send(event::CancelWanted{});
            case 7: return send(event::DomainsListed{{games.id}, now_ - 2s * pick(3)});
            case 8: return change_machine();
            case 9: return pick(20) ? end_job() : send(event::StepOverdue{30s, {}});
            case 10: return send(event::DetachWanted{ask(), anybody(), waiting_wishes()});
            case 11: return send(event::TimePassed{});
            case 12: return leave_queue();
            default: return end_job();
        }
    }

    /// Another tool gives the card back, or a program opens it at vfio-pci, or closes it.
    void change_machine() {
        Function& gpu = inventory_.functions.at(set_.id());
        if (!running_ && pick(2)) {
            inventory_ = machine().inventory();
        } else if (gpu.on_stub()) {
            gpu.enable_count = 1 - gpu.enable_count;
        }
        send(event::MachineChanged{});
    }

    void leave_queue() {
        if (it_.queue.empty()) return;
        const auto who = static_cast<std::size_t>(pick(static_cast<int>(it_.queue.size())));
        send(event::Withdrawn{it_.queue[who].wanted.ticket});
    }

    void end_job() {
        if (!running_) return;
        const std::size_t steps = it_.plan.steps.size();
        const std::size_t done =
            pick(3) ? steps : static_cast<std::size_t>(pick(static_cast<int>(steps)));
        for (std::size_t i = 0; i < done; ++i) {
            perform(it_.plan.steps[i]);
            send(event::StepDone{i});
        }
        running_ = false;
        if (done == steps) return send(event::JobEnded{});
        const Errc code = pick(2) ? Errc::InUse : Errc::BindFailed;
        send(event::JobEnded{PlanFailed{done, Error{code, "by chance", 0}}});
    }

    void perform(const Step& step) {
        if (const auto* it = std::get_if<step::SetOverride>(&step)) {
            inventory_.functions.at(it->bdf).driver_override = it->to;
        } else if (const auto* unbind = std::get_if<step::Unbind>(&step)) {
            auto& driver = inventory_.functions.at(unbind->bdf).driver;
            if (driver == unbind->driver) driver.reset();
            inventory_.functions.at(unbind->bdf).enable_count = 0;
        } else if (const auto* probe = std::get_if<step::Probe>(&step)) {
            inventory_.functions.at(probe->bdf).driver = probe->driver;
        } else if (std::holds_alternative<step::StopService>(step)) {
            service_runs_ = false;
        } else if (std::holds_alternative<step::StartService>(step)) {
            service_runs_ = true;
        }
    }

    void send(const Event& event) {
        const Owner before = it_.owner;
        const bool was_working = it_.working();
        Findings findings;
        if (service_runs_) findings.running_services.insert(service_);
        const AtStop at_stop = pick(4) == 0 ? AtStop::Keep : AtStop::Reattach;
        Reaction reaction = react(it_, {inventory_, set_, now_, findings, {}, at_stop}, event);
        it_ = std::move(reaction.next);
        if (it_.phase == Phase::Stuck) running_ = false;
        const bool both = before.kind == OwnerKind::Domain && it_.owner.kind == OwnerKind::Domain;
        EXPECT_TRUE(!both || before == it_.owner || was_working || it_.working())
            << "from VM to VM without a move";
        for (const Effect& effect : reaction.effects) {
            if (const auto* answer = std::get_if<effect::Answer>(&effect)) {
                EXPECT_EQ(owed_.erase(answer->ticket), 1U) << "answered twice, or to nobody";
            } else if (std::holds_alternative<effect::StartJob>(effect)) {
                EXPECT_FALSE(running_) << "two jobs";
                running_ = true;
                ++jobs_;
            }
        }
    }

    void check() const {
        EXPECT_EQ(running_, it_.working());
        EXPECT_EQ(it_.record.empty(), it_.owner.kind == OwnerKind::Host);
        EXPECT_TRUE(it_.owner.kind != OwnerKind::Host || it_.phase == Phase::Idle);
        EXPECT_TRUE(it_.working() || (it_.waiting.empty() && !it_.wish)) << "waits for nothing";
        EXPECT_TRUE(it_.working() || owed_.size() == it_.queue.size())
            << "an answer is owed and nothing is under way";
        EXPECT_TRUE(it_.working() || it_.queue.empty() || it_.owner.kind == OwnerKind::Domain)
            << "waits for nobody";
        EXPECT_TRUE(it_.working() || !it_.handing_over);
        EXPECT_EQ(it_.trouble.has_value() && !it_.working(),
                  it_.phase == Phase::Stuck || it_.phase == Phase::Failed);
        if (it_.owner.kind != OwnerKind::Host || it_.working()) return;
        EXPECT_EQ(set_state(set_, inventory_), SetState::Host) << "moved, and nobody remembers";
        EXPECT_TRUE(service_runs_) << "stopped, and nobody remembers";
    }

    /// With nothing more to come and no more failures, every job ends and every answer is given.
    void finish() {
        for (int jobs = 0; running_; ++jobs) {
            ASSERT_LT(jobs, 10) << "jobs without an end";
            const Plan plan = it_.plan;
            for (const Step& step : plan.steps) perform(step);
            running_ = false;
            send(event::JobEnded{});
        }
        now_ += 1h;
        send(event::TimePassed{});
        check();
        EXPECT_TRUE(owed_.empty());
    }

    [[nodiscard]] int pick(int below) {
        return below == 0 ? 0 : static_cast<int>(random_() % static_cast<unsigned>(below));
    }
    [[nodiscard]] Owner anybody() {
        const Owner owners[] = {win11, games, alice};
        return owners[pick(3)];
    }
    [[nodiscard]] DetachWishes wishes() {
        DetachWishes wishes;
        // It shows the host's console.
        wishes.policy.boot_gpu = BootGpuRule::Allow;
        if (pick(2)) wishes.policy.stop_services = {service_};
        return wishes;
    }
    [[nodiscard]] DetachWishes waiting_wishes() {
        DetachWishes waiting = wishes();
        waiting.policy.queue = 10s;
        return waiting;
    }
    [[nodiscard]] Ticket ask() {
        owed_.insert(++last_);
        return last_;
    }

    std::mt19937 random_;
    Inventory inventory_ = machine().inventory();
    DeviceSet set_ = set_with(inventory_, "01:00.0"_bdf);
    Assignment it_;
    SteadyTime now_{std::chrono::hours(1)};
    std::set<Ticket> owed_;
    Ticket last_ = 0;
    bool running_ = false;
    int jobs_ = 0;
    const std::string service_ = "ollama.service";
    bool service_runs_ = true;
};

TEST(RandomEvents, NeverLeaveAnybodyWaitingOrAMoveForgotten) {
    int jobs = 0;
    for (unsigned seed = 1; seed <= 2000 && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE(testing::Message() << "seed " << seed);
        Model model(seed);
        model.play(40);
        jobs += model.jobs();
    }
    EXPECT_GT(jobs, 2000) << "hardly anything was allowed";
}

}  // namespace
}  // namespace passthru
