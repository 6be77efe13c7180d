// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libvirt-hook/call_daemon.hpp"
#include "libvirt-hook/verdict.hpp"

#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

using namespace passthru;

/// The whole file or memfd on standard input, and one byte more than is allowed where it is longer.
std::string read_xml() {
    std::string xml(max_domain_xml + 1, '\0');
    std::size_t length = 0;
    while (length < xml.size()) {
        const ssize_t got = ::pread(STDIN_FILENO, xml.data() + length, xml.size() - length,
                                    static_cast<off_t>(length));
        if (got <= 0) break;
        length += static_cast<std::size_t>(got);
    }
    xml.resize(length);
    return xml;
}

Verdict judge(const HookCall& call, const Root& root) {
    const std::string xml = read_xml();
    const Result<DomainRequest> domain = parse_domain_xml(xml);
    if (!domain) return verdict_on_unreadable(call, xml, domain.error());
    if (domain->functions.empty()) return {};
    const Answer answer = call_daemon(call, *domain, STDIN_FILENO);
    std::optional<Bdf> gpu;
    if (std::holds_alternative<answer::Unreachable>(answer)) {
        gpu = gpu_of(*domain, device_sets(read_inventory(root, Overrides::LeaveAlone)));
    }
    return verdict_on(call, answer, gpu);
}

}  // namespace

/// The second stage of passthru-hook, which execs it: `passthru-hook-notify [--root DIR] NAME
/// OPERATION SUBOPERATION EXTRA`, the domain's XML on standard input, as a file or memfd.
int main(int argc, char** argv) {
    std::vector<char*> arguments(argv + 1, argv + argc);
    Root root;
    if (arguments.size() == 6 && std::strcmp(arguments[0], "--root") == 0) {
        root = Root(arguments[1]);
        arguments.erase(arguments.begin(), arguments.begin() + 2);
    }
    const HookCall call = hook_call(arguments);
    try {
        const Verdict verdict = judge(call, root);
        if (!verdict.sentence.empty()) std::fprintf(stderr, "%s\n", verdict.sentence.c_str());
        return verdict.status;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "passthrud: %s\n", one_line(error.what()).c_str());
        return call.may_refuse() ? 1 : 0;
    }
}
