// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/private_bus.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace passthru::fakes {
namespace {

constexpr const char* config = R"(<busconfig>
  <type>session</type>
  <listen>unix:path={0}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{0}/services</servicedir>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
)";

}  // namespace

PrivateBus::PrivateBus() {
    std::string name = (std::filesystem::temp_directory_path() / "passthru-bus-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = name;
    // Other users come in as well.
    std::filesystem::permissions(folder_, std::filesystem::perms::others_exec,
                                 std::filesystem::perm_options::add);
    std::filesystem::create_directory(folder_ / "services");
    std::ofstream(folder_ / "bus.conf") << fmt::format(fmt::runtime(config), name);

    int ready[2];
    if (::pipe(ready) != 0) throw std::runtime_error("pipe");
    daemon_ = ::fork();
    if (daemon_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);
        const std::string file = "--config-file=" + name + "/bus.conf";
        const std::string print = fmt::format("--print-address={}", ready[1]);
        ::execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", file.c_str(),
                 print.c_str(), nullptr);
        ::_exit(99);
    }
    ::close(ready[1]);
    char line[512];
    const ssize_t got = ::read(ready[0], line, sizeof line);
    ::close(ready[0]);
    if (got <= 0) throw std::runtime_error("dbus-daemon did not start");
    address_ = std::string(line, static_cast<std::size_t>(got));
    address_ = address_.substr(0, address_.find('\n'));
}

PrivateBus::~PrivateBus() {
    ::kill(daemon_, SIGTERM);
    ::waitpid(daemon_, nullptr, 0);
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
}

void PrivateBus::make_activatable() const {
    std::ofstream(folder_ / "services" / "org.passthru1.service")
        << "[D-BUS Service]\nName=org.passthru1\nExec=" << (folder_ / "missing").string() << '\n';
}

}  // namespace passthru::fakes
