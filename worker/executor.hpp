// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/pci/sysfs.hpp"
#include "libpassthru/plan/plan_json.hpp"

#include <functional>
#include <map>
#include <string_view>

namespace passthru {

/// Writes `value` to the attribute `name` below the open folder and returns 0 or errno. The real
/// one may block for ever.
using WriteAttribute = std::function<int(int folder, const char* name, std::string_view value)>;

/// The real one: open, write, close.
[[nodiscard]] int write_attribute(int folder, const char* name, std::string_view value);

/// Runs one plan step by step and reads back every effect. Trusts nobody: each function must be an
/// endpoint, its folder is opened once, before the first change, and everything is written through
/// that descriptor, so that a card that is pulled and replaced in the middle is never written to.
class Executor {
public:
    explicit Executor(Root root, WriteAttribute write = write_attribute);
    ~Executor();
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;

    /// Runs until the first step that fails; tells `report` of each step and of the end. Two plans
    /// for one function never run at the same time, in this or another process: the second waits
    /// for the first. `cancelled` is asked before each step.
    void run(
        const Plan& plan, const std::function<void(const WorkerReport&)>& report,
        const std::function<bool()>& cancelled = [] { return false; });

private:
    [[nodiscard]] Result<void> open_functions(const Plan& plan);
    [[nodiscard]] Result<void> check_endpoint(const Bdf& bdf, int folder) const;
    [[nodiscard]] Result<void> perform(const Step& step);

    [[nodiscard]] Result<void> check_answers(const step::CheckAnswers& step);
    [[nodiscard]] Result<void> check_unused(const step::CheckUnused& step);
    [[nodiscard]] Result<void> set_override(const step::SetOverride& step);
    [[nodiscard]] Result<void> unbind(const step::Unbind& step);
    [[nodiscard]] Result<void> probe(const step::Probe& step);
    [[nodiscard]] Result<void> reset(const step::Reset& step);

    [[nodiscard]] int folder_of(const Bdf& bdf) const { return folders_.at(bdf); }

    Root root_;
    WriteAttribute write_;
    std::map<Bdf, int> folders_;
    int bus_folder_ = -1;
};

}  // namespace passthru
