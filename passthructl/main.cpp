// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/command_line.hpp"

int main(int argc, char** argv) {
    using namespace passthru::ctl;
    const auto line = read_command_line(argc, argv);
    return static_cast<int>(line ? line->command(line->common) : line.error());
}
