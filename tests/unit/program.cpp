// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/unit/program.hpp"

#include "libpassthru/pci/sysfs.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;

void require(bool fine, const char* what) {
    if (!fine) throw std::system_error(errno, std::generic_category(), what);
}

bool watches_a_file() {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc/self/fdinfo", error)) {
        const std::string text = read_attribute(entry.path()).value_or("");
        if (text.find("inotify wd:") != std::string::npos) return true;
    }
    return false;
}

bool sleeps(pid_t thread) {
    const std::string status =
        read_attribute(fmt::format("/proc/self/task/{}/status", thread)).value_or("");
    return status.find("State:\tS") != std::string::npos;
}

}  // namespace

Terminal::Terminal() : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    require(master_ >= 0 && ::grantpt(master_) == 0 && ::unlockpt(master_) == 0, "a terminal");
    char name[64];
    require(::ptsname_r(master_, name, sizeof name) == 0, "a terminal's name");
    path_ = name;
}

Terminal::~Terminal() {
    ::close(master_);
}

std::string Terminal::number() const {
    struct stat status{};
    require(::stat(path_.c_str(), &status) == 0, path_.c_str());
    return fmt::format("{}:{}", major(status.st_rdev), minor(status.st_rdev));
}

Pipe::Pipe() {
    // Writing to somebody who has ended fails instead.
    std::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    require(::pipe2(ends, O_CLOEXEC) == 0, "a pipe");
    reader_ = ends[0];
    writer_ = ends[1];
}

Pipe::~Pipe() {
    hang_up();
    stop_listening();
}

bool Pipe::write(const std::string& text) const {
    return ::write(writer_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::string Pipe::read() const {
    char buffer[64];
    const ssize_t got = ::read(reader_, buffer, sizeof buffer);
    return {buffer, got > 0 ? static_cast<std::size_t>(got) : 0};
}

void Pipe::hang_up() {
    if (writer_ >= 0) ::close(writer_);
    writer_ = -1;
}

void Pipe::stop_listening() {
    if (reader_ >= 0) ::close(reader_);
    reader_ = -1;
}

Program::Program(const std::string& node) {
    pid_ = ::fork();
    require(pid_ >= 0, "fork");
    if (pid_ == 0) obey(node);
    orders_.stop_listening();
    answers_.hang_up();
    require(lives(), "a program that opens a node");
}

Program::~Program() {
    if (pid_ <= 0) return;  // kill(-1) means everybody
    kill(SIGKILL);
    reap();
}

void Program::obey(const std::string& node) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    orders_.hang_up();
    answers_.stop_listening();
    const int fd = ::open(node.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) ::_exit(1);
    for (std::string order = orders_.read(); !order.empty(); order = orders_.read()) {
        if (order == "c") ::close(fd);
        std::ignore = answers_.write("y");
    }
    ::_exit(0);
}

bool Program::does(char order) const {
    return orders_.write(std::string(1, order)) && answers_.read() == "y";
}

void Program::close_node() const {
    require(does('c'), "a program that closes a node");
}

bool Program::lives() const {
    return does('?');
}

void Program::kill(int signal) const {
    ::kill(pid_, signal);
}

void Program::reap() {
    std::ignore = signal_that_ended_it();
}

int Program::signal_that_ended_it() {
    int status = 0;
    require(::waitpid(pid_, &status, 0) == pid_, "waitpid");
    pid_ = -1;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

std::string Program::command() const {
    return read_attribute(fmt::format("/proc/{}/comm", pid_)).value_or("?");
}

void await_a_wait_of(pid_t thread, const std::stop_token& over) {
    while (!over.stop_requested() && (!watches_a_file() || !sleeps(thread))) {
        std::this_thread::yield();
    }
}

}  // namespace passthru
