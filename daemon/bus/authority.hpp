// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/bus/sdbus_compat.hpp"
#include "daemon/owner.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string_view>

namespace passthru {

/// Who may call a method.
struct MethodRule {
    std::string_view interface;
    std::string_view method;
    /// The polkit action, or `everybody` or `root`.
    std::string_view action;
};

inline constexpr std::string_view everybody = "everybody";
inline constexpr std::string_view root_only = "root";
inline constexpr std::string_view override_safety = "org.passthru1.override-safety";

/// The one table of rights. A method without a row is refused.
inline constexpr MethodRule method_rules[] = {
    {"org.passthru1.Manager", "GetOwner", everybody},
    {"org.passthru1.Manager", "FindGpu", everybody},
    {"org.passthru1.Manager", "Rescan", everybody},
    {"org.passthru1.Manager", "Diagnose", everybody},
    {"org.passthru1.Manager", "ForgetDomain", override_safety},
    {"org.passthru1.Gpu", "Plan", everybody},
    {"org.passthru1.Gpu", "ListHolders", everybody},
    {"org.passthru1.Gpu", "Detach", "org.passthru1.detach"},
    {"org.passthru1.Gpu", "Reattach", "org.passthru1.reattach"},
    {"org.passthru1.Gpu", "Reset", "org.passthru1.reset"},
    {"org.passthru1.Gpu", "Lease", "org.passthru1.lease"},
    {"org.passthru1.Gpu", "DumpRom", "org.passthru1.dump-rom"},
    {"org.passthru1.Job", "Cancel", "org.passthru1.detach"},
    {"org.passthru1.LibvirtHook", "Notify", root_only},
};

/// The row's action; empty when there is none.
[[nodiscard]] std::string_view action_for(std::string_view interface, std::string_view method);

/// Asks the bus who the caller is and polkit whether he may, without blocking the loop. Root is
/// never asked for: the daemon works without polkitd for root, as libvirt's hook needs it to.
class Authority {
public:
    explicit Authority(BusConnection& bus);

    /// Who the caller turned out to be (an administrator by user id and name), or why he may not.
    using Decision = std::function<void(Result<Owner>)>;

    /// Decides on `method` of `interface` for `caller`. `details` go to polkit, for its prompt and
    /// its rules.
    void authorize(const Caller& caller, std::string_view interface, std::string_view method,
                   std::map<std::string, std::string> details, Decision decided);

    /// As `authorize`, for passing over a safety check: asked for in addition.
    void authorize_override(const Caller& caller, std::map<std::string, std::string> details,
                            Decision decided);

    /// Counts a call that may take long as this user's while what it returns is held;
    /// LimitsExceeded where he has too many under way. Root's are not counted.
    [[nodiscard]] Result<std::shared_ptr<void>> count_call(const Owner& user);

private:
    using Counts = std::map<std::string, int>;  ///< by the number of the user

    void authorize_action(const Caller& caller, const std::string& action,
                          std::map<std::string, std::string> details, Decision decided);
    void ask_polkit(const Caller& caller, const std::string& action,
                    const std::map<std::string, std::string>& details, const Owner& who,
                    Decision decided);

    Counts open_questions_;
    std::shared_ptr<Counts> calls_ = std::make_shared<Counts>();
    // Their callbacks use what stands above.
    std::unique_ptr<sdbus::IProxy> bus_daemon_;
    std::unique_ptr<sdbus::IProxy> polkit_;
};

}  // namespace passthru
