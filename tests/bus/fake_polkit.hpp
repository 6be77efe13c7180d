// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <systemd/sd-bus.h>
#include <thread>
#include <vector>

namespace passthru::bus_test {

enum class Verdict { Yes, No, Challenge, Dismissed, Never, YesOnceHeHasLeft };

/// One question to polkit.
struct Asked {
    std::string subject_kind;
    std::string subject;
    std::string action;
    std::map<std::string, std::string> details;
    bool interactive = false;
};

/// Owns org.freedesktop.PolicyKit1 on a bus, in a thread, and always gives the same verdict.
class FakePolkit {
public:
    FakePolkit(const std::string& address, Verdict verdict);
    ~FakePolkit();
    FakePolkit(const FakePolkit&) = delete;
    FakePolkit& operator=(const FakePolkit&) = delete;

    /// Leaves the bus and tells what was asked.
    [[nodiscard]] const std::vector<Asked>& finish();
    [[nodiscard]] int asked() const { return count_; }

private:
    static int on_message(sd_bus_message* message, void* self, sd_bus_error*);
    int answer(sd_bus_message* message);
    [[nodiscard]] bool is_there(const std::string& name);

    Verdict verdict_;
    sd_bus* bus_ = nullptr;
    std::vector<Asked> asked_;
    std::atomic<int> count_ = 0;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

}  // namespace passthru::bus_test
