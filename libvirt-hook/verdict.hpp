// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "libpassthru/hostdev/domain_xml.hpp"
#include "libpassthru/pci/device_set.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace passthru {

/// One run of a hook: libvirt's four arguments. The last one is `-`, or why the domain stopped
/// (libvirt ≥ 10).
struct HookCall {
    std::string domain;
    std::string operation;
    std::string suboperation;
    std::string extra;

    bool operator==(const HookCall&) const = default;
    /// Only `prepare begin`: at any other step the domain runs or has ended, and libvirt would kill
    /// it or not listen.
    [[nodiscard]] bool may_refuse() const {
        return operation == "prepare" && suboperation == "begin";
    }
};

/// Reads the arguments that follow the program's name; what is missing is empty.
[[nodiscard]] HookCall hook_call(std::span<char* const> arguments);

/// What came back from passthrud.
namespace answer {
struct Accepted {};
/// passthrud says no; its own sentence.
struct Refused {
    std::string message;
};
/// No answer of passthrud's: it is not installed, masked, crashed, too slow, or there is no bus.
struct Unreachable {
    std::string reason;
};
/// We are an ordinary user, so this is the hook of qemu:///session, which passthrud does not serve:
/// such a libvirt moves no devices and can use only what the administrator detached.
struct NotForUsers {};
}  // namespace answer

using Answer =
    std::variant<answer::Accepted, answer::Refused, answer::Unreachable, answer::NotForUsers>;

/// What the hook tells libvirt.
struct Verdict {
    int status = 0;  ///< the exit status; anything but 0 refuses the start
    std::string
        sentence;  ///< for standard error, one line; libvirt shows it when the status is not 0

    bool operator==(const Verdict&) const = default;
};

/// The verdict over a domain that has PCI functions. `gpu` is the GPU that it touches: without
/// passthrud a domain with a GPU is not started, since nobody would look who uses it; any other
/// domain is.
[[nodiscard]] Verdict verdict_on(const HookCall& call, const Answer& answer,
                                 const std::optional<Bdf>& gpu);

/// The verdict over XML that could not be read. A start is refused only when the text itself has a
/// PCI device of the host in it; everything else is libvirt's to complain of.
[[nodiscard]] Verdict verdict_on_unreadable(const HookCall& call, std::string_view xml,
                                            const Error& error);

/// The GPU of the first device set of which the domain names a function; nothing when it names
/// none.
[[nodiscard]] std::optional<Bdf> gpu_of(const DomainRequest& domain,
                                        std::span<const DeviceSet> sets);

/// One line of printable text, 1000 bytes at most, so that nothing a bus or an XML says can forge a
/// second one.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace passthru
