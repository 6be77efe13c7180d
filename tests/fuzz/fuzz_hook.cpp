// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libvirt-hook/verdict.hpp"
#include "tests/fuzz/require.hpp"

#include <cstddef>
#include <cstdint>

namespace {

using namespace passthru;
using fuzz::require;

/// What libvirt shows is one line, and only the beginning of a start can be refused.
void check(const HookCall& call, const Verdict& verdict) {
    require(verdict.status == 0 || call.may_refuse(), "only a start is refused");
    require(verdict.status == 0 || !verdict.sentence.empty(), "a refusal gives a reason");
    for (const char byte : verdict.sentence) {
        const auto value = static_cast<unsigned char>(byte);
        require(value >= 0x20 && value != 0x7f, "the sentence is one line of text");
    }
}

}  // namespace

/// The hook's arguments, each ended by a null byte; what remains is the domain's XML and what the
/// daemon said.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string text(reinterpret_cast<const char*>(data), size);
    constexpr int most = 6;
    std::vector<char*> arguments;
    std::size_t start = 0;
    for (int i = 0; i < most; ++i) {
        const std::size_t end = text.find('\0', start);
        if (end == std::string::npos) break;
        arguments.push_back(text.data() + start);
        start = end + 1;
    }
    const HookCall call = hook_call(arguments);
    const std::string rest = text.substr(start);
    const std::string line = one_line(rest);
    require(line.size() <= 1000 && one_line(line) == line, "a line stays as it is");
    const Bdf gpu{0, 1, 0, 0};
    for (const Answer& it : {Answer(answer::Accepted{}), Answer(answer::Refused{rest}),
                             Answer(answer::Unreachable{rest}), Answer(answer::NotForUsers{})}) {
        check(call, verdict_on(call, it, gpu));
        check(call, verdict_on(call, it, std::nullopt));
    }
    const auto domain = parse_domain_xml(rest);
    if (!domain) check(call, verdict_on_unreadable(call, rest, domain.error()));
    return 0;
}
