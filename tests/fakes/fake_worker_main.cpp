// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_kernel.hpp"
#include "tests/fakes/paused_worker.hpp"
#include "worker/serve.hpp"

#include <cstdio>
#include <string_view>

/// It is started hundreds of times, and looking for leaks at each end takes longer than the rest;
/// what it runs is looked at in the unit tests.
// NOLINTNEXTLINE(bugprone-reserved-identifier): its name in sanitizer/lsan_interface.h
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() {
    return 1;
}

/// `passthru-fake-worker --root DIR`: passthru-worker on the machine that a FakeKernel keeps in
/// DIR, where it may be told to pause. Standard input is the socket to the daemon.
int main(int argc, char** argv) {
    if (argc != 3 || std::string_view(argv[1]) != "--root") {
        std::fputs("usage: passthru-fake-worker --root DIR\n", stderr);
        return 2;
    }
    const passthru::Root root(argv[2]);
    passthru::fakes::wait_for_locks(0, root);
    const auto doors = passthru::fakes::FakeKernel::doors(root.path());
    if (const auto pause = passthru::fakes::take_pause(0, root))
        return passthru::fakes::serve_with_pause(0, root, doors, *pause);
    return passthru::serve_one_plan(0, root, doors);
}
