// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/sysfs.hpp"
#include "libpassthru/plan/plan_json.hpp"
#include "libpassthru/safety/holders.hpp"
#include "worker/card_reset.hpp"
#include "worker/kernel_doors.hpp"

#include <functional>
#include <map>
#include <string_view>

namespace passthru {

/// How a running plan is asked to stop: `wanted` is asked before each step, and again when
/// `descriptor` becomes readable while a step waits for programs.
struct Interrupt {
    std::function<bool()> wanted = [] { return false; };
    int descriptor = -1;
};

/// Runs one plan step by step and reads back every effect. Trusts nobody: each function must be an
/// endpoint, its folder is opened once, before the first change, and everything is written through
/// that descriptor, so that a card that is pulled and replaced in the middle is never written to.
class Executor {
public:
    using Report = std::function<void(const WorkerReport&)>;

    explicit Executor(Root root, KernelDoors kernel = {});
    ~Executor();
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;

    /// Runs until the first step that fails; tells `report` of each step and of the end. Two plans
    /// for one function never run at the same time, in this or another process: the second waits
    /// for the first.
    void run(const Plan& plan, const Report& report, const Interrupt& interrupt = {});

private:
    [[nodiscard]] Result<void> open_functions(const Plan& plan);
    [[nodiscard]] Result<void> check_endpoint(const Bdf& bdf, int folder) const;
    [[nodiscard]] Result<void> perform(const Step& step, std::size_t index);

    [[nodiscard]] Result<void> check_answers(const step::CheckAnswers& step);
    [[nodiscard]] Result<void> check_not_critical(const step::CheckNotCritical& step);
    [[nodiscard]] Result<void> check_unused(const step::CheckUnused& step, std::size_t index);
    [[nodiscard]] std::vector<Holder> holders_in_the_way(const step::CheckUnused& step);
    [[nodiscard]] Result<void> set_override(const step::SetOverride& step);
    [[nodiscard]] Result<void> unbind(const step::Unbind& step);
    [[nodiscard]] Result<void> probe(const step::Probe& step);
    [[nodiscard]] Result<void> write_setting(const step::WriteSetting& step);
    [[nodiscard]] Result<void> reset(const step::Reset& step, std::size_t index);
    [[nodiscard]] Result<void> lend_nodes(const step::LendNodes& step);
    [[nodiscard]] bool may_control(const std::string& service) const;
    [[nodiscard]] Result<void> stop_service(const step::StopService& step);
    void start_service(const step::StartService& step);

    [[nodiscard]] int folder_of(const Bdf& bdf) const { return folders_.at(bdf); }

    Root root_;
    KernelDoors kernel_;
    Report report_;
    Interrupt interrupt_;
    std::map<Bdf, int> folders_;
    int bus_folder_ = -1;
};

}  // namespace passthru
