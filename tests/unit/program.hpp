// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stop_token>
#include <string>
#include <sys/types.h>

namespace passthru {

/// A terminal of our own: a device with a number and a name that no other program opens.
class Terminal {
public:
    Terminal();
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }  ///< `/dev/pts/3`
    [[nodiscard]] std::string number() const;                        ///< `136:3`

private:
    int master_ = -1;
    std::string path_;
};

class Pipe {
public:
    Pipe();
    ~Pipe();
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    [[nodiscard]] int reader() const { return reader_; }
    /// False when nobody listens any more.
    bool write(const std::string& text) const;
    /// Waits for something to be written; empty when the writer has hung up.
    [[nodiscard]] std::string read() const;
    /// The end that writes is closed.
    void hang_up();
    /// The end that reads is closed.
    void stop_listening();

private:
    int reader_ = -1;
    int writer_ = -1;
};

/// A process that has a node open until it is told to close it, and ends with the test.
class Program {
public:
    explicit Program(const std::string& node);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// Returns when it is closed; the program lives on.
    void close_node() const;
    void kill(int signal) const;
    /// After its end: its number is free again.
    void reap();
    /// Waits for the end.
    [[nodiscard]] int signal_that_ended_it();
    /// Answers a question, so that a signal would have been noticed.
    [[nodiscard]] bool lives() const;

    [[nodiscard]] std::string name() const { return std::to_string(pid_); }  ///< its number
    [[nodiscard]] std::string command() const;

private:
    void obey(const std::string& node);
    [[nodiscard]] bool does(char order) const;

    Pipe orders_;
    Pipe answers_;
    pid_t pid_ = -1;
};

/// Returns when a file is watched and this thread of ours sleeps, or when the wait is over.
void await_a_wait_of(pid_t thread, const std::stop_token& over);

}  // namespace passthru
