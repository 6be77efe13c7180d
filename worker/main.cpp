// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker/serve.hpp"

#include <cstdio>
#include <cstring>

/// `passthru-worker [--root DIR]`: standard input is the socket to the daemon.
int main(int argc, char** argv) {
    passthru::Root root;
    if (argc == 3 && std::strcmp(argv[1], "--root") == 0) {
        root = passthru::Root(argv[2]);
    } else if (argc != 1) {
        std::fputs("passthru-worker is started by passthrud and takes its plan from a socket\n",
                   stderr);
        return 2;
    }
    return passthru::serve_one_plan(0, root);
}
