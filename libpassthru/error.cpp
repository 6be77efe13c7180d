// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/error.hpp"

#include <ostream>

namespace passthru {

std::unexpected<Error> fail(Errc code, std::string message, int errnum) {
    return std::unexpected(Error{code, std::move(message), errnum});
}

std::string_view errc_name(Errc code) {
    switch (code) {
        case Errc::InvalidArgs: return "InvalidArgs";
        case Errc::AccessDenied: return "AccessDenied";
        case Errc::InteractiveAuthorizationRequired: return "InteractiveAuthorizationRequired";
        case Errc::LimitsExceeded: return "LimitsExceeded";
        case Errc::Failed: return "Failed";
        case Errc::NoSuchGpu: return "NoSuchGpu";
        case Errc::Busy: return "Busy";
        case Errc::InUse: return "InUse";
        case Errc::HostCritical: return "HostCritical";
        case Errc::BootGpu: return "BootGpu";
        case Errc::NotIsolated: return "NotIsolated";
        case Errc::IommuOff: return "IommuOff";
        case Errc::ReservedMemory: return "ReservedMemory";
        case Errc::AddressChanged: return "AddressChanged";
        case Errc::NoStubDriver: return "NoStubDriver";
        case Errc::BindFailed: return "BindFailed";
        case Errc::ResetFailed: return "ResetFailed";
        case Errc::ResetUnsupported: return "ResetUnsupported";
        case Errc::NotResponding: return "NotResponding";
        case Errc::Stuck: return "Stuck";
        case Errc::NeedsReboot: return "NeedsReboot";
        case Errc::TimedOut: return "TimedOut";
        case Errc::Cancelled: return "Cancelled";
        case Errc::NotOwner: return "NotOwner";
    }
    return "Failed";
}

std::string dbus_name(Errc code) {
    switch (code) {
        case Errc::InvalidArgs:
        case Errc::AccessDenied:
        case Errc::InteractiveAuthorizationRequired:
        case Errc::LimitsExceeded:
        case Errc::Failed: return "org.freedesktop.DBus.Error." + std::string(errc_name(code));
        default: return "org.passthru1.Error." + std::string(errc_name(code));
    }
}

Errc errc_from_name(std::string_view name) {
    for (const Errc code : all_errcs) {
        if (errc_name(code) == name) return code;
    }
    return Errc::Failed;
}

void PrintTo(const Error& error, std::ostream* out) {
    *out << errc_name(error.code) << ": " << error.message;
    if (error.errnum != 0) *out << " (errno " << error.errnum << ")";
}

}  // namespace passthru
