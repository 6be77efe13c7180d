// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bus/daemon_on_a_bus.hpp"

#include "libpassthru/pci/sysfs.hpp"
#include "tests/unit/run.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace passthru::bus_test {

DaemonOnABus::DaemonOnABus() {
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1);
    kernel_.put("proc/sys/kernel/random/boot_id", "this-boot\n");
    std::filesystem::create_directories(kernel_.path() / "etc/passthrud");
    kernel_.put("etc/passthrud/passthrud.conf", "[gpu.\"*\"]\nboot-gpu = \"allow\"\n");
    client_ = std::make_unique<Client>(bus_.address());
    start();
}

DaemonOnABus::~DaemonOnABus() {
    kernel_.clear_faults();
    kernel_.unblock();
    if (passthrud_ > 0) {
        EXPECT_EQ(end(SIGTERM), 0);
    }
    if (HasFailure()) std::fprintf(stderr, "%s\n", log().c_str());
}

std::vector<std::string> DaemonOnABus::command() const {
    return {PASSTHRUD,
            "--root",
            kernel_.path(),
            "--worker",
            PASSTHRU_FAKE_WORKER,
            "--runtime-dir",
            kernel_.path() / "run",
            "--state-dir",
            kernel_.path() / "state",
            "--libvirt-uri",
            "test:///default",
            "--step-limit",
            step_limit_};
}

void DaemonOnABus::start() {
    std::vector<std::string> words = command();
    words.insert(words.end(), more_words_.begin(), more_words_.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const std::string log_file = kernel_.path() / "log";
    passthrud_ = ::fork();
    ASSERT_GE(passthrud_, 0);
    if (passthrud_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
        ::execv(arguments[0], arguments.data());
        ::_exit(99);
    }
    ASSERT_TRUE(client_->wait_for_name("org.passthru1")) << log();
    // It serves when it answers.
    ASSERT_TRUE(client_->property("/org/passthru1", manager, "Version").ok());
}

int DaemonOnABus::end(int signal) {
    ::kill(passthrud_, signal);
    int status = 0;
    ::waitpid(passthrud_, &status, 0);
    passthrud_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string DaemonOnABus::log() const {
    std::ostringstream text;
    text << std::ifstream(kernel_.path() / "log").rdbuf();
    return text.str();
}

Answer DaemonOnABus::notify(const char* operation, const char* suboperation, const std::string& xml,
                            const char* uuid) {
    const int fd = ::memfd_create("domain", MFD_CLOEXEC);
    EXPECT_EQ(::write(fd, xml.data(), xml.size()), static_cast<ssize_t>(xml.size()));
    const auto pending =
        client_->start({"/org/passthru1", "org.passthru1.LibvirtHook", "Notify"}, "sssssha{sv}",
                       uuid, "test", operation, suboperation, "-", fd, 0);
    ::close(fd);
    return client_->wait(pending);
}

std::string DaemonOnABus::domain_with(const std::vector<int>& buses, const char* uuid) {
    std::string devices;
    for (const int bus : buses) {
        devices += fmt::format(
            "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' "
            "bus='0x{:02x}' slot='0x00' function='0x0'/></source></hostdev>",
            bus);
    }
    return fmt::format(
        "<domain type='kvm'><name>test</name><uuid>{}</uuid><devices>{}</devices></domain>", uuid,
        devices);
}

void DaemonOnABus::wait_for_a_blocked_write() {
    ASSERT_TRUE(client_->wait_until([&] { return kernel_.has_blocked_write(); })) << log();
}

void DaemonOnABus::wait_for_state(const char* gpu, const std::string& wanted) {
    for (int i = 0; i < 3000 && state(gpu) != "(\"" + wanted + "\")"; ++i) ::usleep(10'000);
    EXPECT_EQ(state(gpu), "(\"" + wanted + "\")");
}

std::string DaemonOnABus::changes_of_the_machine() const {
    return difference(untouched_, kernel_.dump());
}

}  // namespace passthru::bus_test
