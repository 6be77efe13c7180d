// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <expected>
#include <iosfwd>
#include <string>
#include <string_view>

namespace passthru {

/// Why something was refused or failed. Each value has exactly one D-Bus error name (`dbus_name`).
enum class Errc {
    InvalidArgs,
    AccessDenied,
    InteractiveAuthorizationRequired,
    LimitsExceeded,
    Failed,
    NoSuchGpu,
    Busy,
    InUse,
    HostCritical,
    BootGpu,
    NotIsolated,
    IommuOff,
    ReservedMemory,
    AddressChanged,
    NoStubDriver,
    BindFailed,
    ResetFailed,
    ResetUnsupported,
    NotResponding,
    Stuck,
    NeedsReboot,
    TimedOut,
    Cancelled,
    NotOwner,
};

/// Every value of `Errc`, for tables and tests that walk all of them.
inline constexpr Errc all_errcs[] = {
    Errc::InvalidArgs,    Errc::AccessDenied,   Errc::InteractiveAuthorizationRequired,
    Errc::LimitsExceeded, Errc::Failed,         Errc::NoSuchGpu,
    Errc::Busy,           Errc::InUse,          Errc::HostCritical,
    Errc::BootGpu,        Errc::NotIsolated,    Errc::IommuOff,
    Errc::ReservedMemory, Errc::AddressChanged, Errc::NoStubDriver,
    Errc::BindFailed,     Errc::ResetFailed,    Errc::ResetUnsupported,
    Errc::NotResponding,  Errc::Stuck,          Errc::NeedsReboot,
    Errc::TimedOut,       Errc::Cancelled,      Errc::NotOwner,
};

/// A refusal or a failure: a name for programs, one sentence for the person, errno where the kernel
/// gave one.
struct Error {
    Errc code = Errc::Failed;
    std::string message;
    int errnum = 0;

    bool operator==(const Error&) const = default;
};

template <typename T>
using Result = std::expected<T, Error>;

/// Shorthand for returning an error: `return fail(Errc::Busy, "…")`.
[[nodiscard]] std::unexpected<Error> fail(Errc code, std::string message, int errnum = 0);

/// The name without any prefix, as it appears in logs and in the journal: `NotIsolated`.
[[nodiscard]] std::string_view errc_name(Errc code);

/// The D-Bus error name: `org.passthru1.Error.NotIsolated`, or a standard name for standard things.
[[nodiscard]] std::string dbus_name(Errc code);

/// The inverse of `errc_name`; `Errc::Failed` for a name that this version does not know.
[[nodiscard]] Errc errc_from_name(std::string_view name);

void PrintTo(const Error& error, std::ostream* out);

}  // namespace passthru
