// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace passthru::fakes {

/// A program that runs in a terminal of its own, or with its output in a pipe.
class Running {
public:
    enum class Output { Terminal, Pipe };

    /// Starts it; in a terminal that is so many columns wide.
    Running(const std::vector<std::string>& command, Output output, unsigned short columns = 200);
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    /// Reads until it has printed this after what was waited for before; false when it ends first
    /// or takes a long time.
    bool wait_to_print(const std::string& part);
    /// Types at its terminal: `\x03` is Ctrl-C.
    void type(const std::string& keys) const;
    void send(int signal) const;
    /// Its exit status, when it has ended by itself; minus the signal that ended it.
    int wait();
    /// All that it has printed so far.
    [[nodiscard]] const std::string& printed() const { return printed_; }

private:
    bool read_more();

    pid_t child_ = -1;
    int output_ = -1;
    int inner_ = -1;       ///< the program's end of the terminal or the pipe
    int end_ = -1;         ///< readable when it has ended
    bool marked_ = false;  ///< the end mark is on its way
    std::string printed_;
    std::size_t looked_at_ = 0;
};

}  // namespace passthru::fakes
