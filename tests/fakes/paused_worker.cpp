// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/paused_worker.hpp"

#include "libpassthru/plan/findings_json.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <sys/socket.h>

namespace passthru::fakes {
namespace {

namespace fs = std::filesystem;

fs::path file_of(const Root& root) {
    return root.below("fake/pause");
}

fs::path mark_of(const Root& root) {
    return root.below("fake/blocked/worker");
}

fs::path death_of(const Root& root) {
    return root.below("fake/die");
}

void stand_still(const Root& root) {
    stand_at(mark_of(root));
    if (fs::exists(death_of(root))) ::raise(SIGKILL);
}

std::string receive(int socket, int flags) {
    std::string text(max_message, '\0');
    const ssize_t got = ::recv(socket, text.data(), text.size(), flags);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

}  // namespace

void plan_pause(const Root& root, const Pause& pause) {
    fs::remove(death_of(root));
    std::ofstream(file_of(root)) << fmt::format("{} {} {}\n", static_cast<int>(pause.kind),
                                                static_cast<int>(pause.moment), pause.step);
}

void end_pause(const Root& root) {
    fs::remove(mark_of(root));
}

void kill_paused(const Root& root) {
    std::ofstream(death_of(root)) << "";
    fs::remove(mark_of(root));
}

void wait_for_locks(int socket, const Root& root) {
    const auto functions = override_request_from_text(receive(socket, MSG_PEEK));
    if (!functions || !*functions) return;
    for (const Bdf& bdf : **functions) wait_until_removed(KernelTree(root.path()).lock_of(bdf));
}

std::optional<Pause> take_pause(int socket, const Root& root) {
    std::ifstream file(file_of(root));
    int kind = 0;
    int moment = 0;
    Pause pause;
    if (!(file >> kind >> moment >> pause.step)) return std::nullopt;
    pause.kind = static_cast<PlanKind>(kind);
    pause.moment = static_cast<Pause::Moment>(moment);
    const auto plan = plan_from_text(receive(socket, MSG_PEEK));
    if (!plan || plan->kind != pause.kind) return std::nullopt;
    fs::remove(file_of(root));
    return pause;
}

int serve_with_pause(int socket, const Root& root, const KernelDoors& doors, const Pause& pause) {
    const Plan plan = plan_from_text(receive(socket, 0)).value();
    bool has_stood = false;
    const auto stand_when_due = [&](Pause::Moment moment, std::size_t step) {
        if (has_stood || pause.moment != moment || pause.step != step) return;
        has_stood = true;
        stand_still(root);
    };
    std::size_t next = 0;
    Executor executor(root, doors);
    executor.run(
        plan,
        [&](const WorkerReport& report) {
            const auto* done = std::get_if<StepDone>(&report);
            if (done != nullptr) {
                stand_when_due(Pause::Moment::After, done->index);
                next = done->index + 1;
            }
            const std::string text = report_to_text(report);
            std::ignore = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        },
        Interrupt{[&] {
                      // Asked before each step, and before each attempt of a reset.
                      stand_when_due(Pause::Moment::Before, next);
                      return !receive(socket, MSG_DONTWAIT).empty();
                  },
                  socket});
    return 0;
}

}  // namespace passthru::fakes
