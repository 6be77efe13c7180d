// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_kernel.hpp"
#include "worker/serve.hpp"

#include <cstdio>
#include <string_view>

/// `passthru-fake-worker --root DIR`: passthru-worker on the machine that a FakeKernel keeps in
/// DIR. Standard input is the socket to the daemon.
int main(int argc, char** argv) {
    if (argc != 3 || std::string_view(argv[1]) != "--root") {
        std::fputs("usage: passthru-fake-worker --root DIR\n", stderr);
        return 2;
    }
    const passthru::Root root(argv[2]);
    return passthru::serve_one_plan(0, root, passthru::fakes::FakeKernel::writer(root.path()));
}
