// SPDX-License-Identifier: LGPL-2.1-or-later
// What a call to passthrud takes beside one to a bare sdbus-c++ server with the same objects, each
// on a bus of its own. See docs/benchmarks.md.
#include "tests/bus/client.hpp"
#include "tests/bus/fake_polkit.hpp"
#include "tests/fakes/fake_kernel.hpp"
#include "tests/fakes/private_bus.hpp"

#include <benchmark/benchmark.h>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace passthru {
namespace {

using bus_test::Answer;
using bus_test::Client;
using bus_test::Method;
using std::chrono::steady_clock;

constexpr const char* gpu_interface = "org.passthru1.Gpu";

/// So many cards, each below a port of its own and with its audio function.
std::string machine_with(int gpus) {
    std::string text;
    for (int i = 0; i < gpus; ++i) {
        text += fmt::format(
            "00:{0:02x}.{1} 0604 8086:460d group {2} driver pcieport\n"
            "  {3:02x}:00.0 0300 10de:2489 group {2} driver nouveau\n"
            "  {3:02x}:00.1 0403 10de:228b group {2} driver snd_hda_intel\n",
            1 + i / 8, i % 8, i + 1, i + 1);
    }
    return text;
}

enum class Kind { Ours, Bare };

class Server {
public:
    Server(Kind kind, int gpus) : kernel_(machine_with(gpus)) {
        kernel_.put("proc/sys/kernel/random/boot_id", "this-boot\n");
        for (int i = 1; i <= gpus; ++i) put_link(i);
        const std::vector<std::string> words =
            kind == Kind::Ours
                ? std::vector<std::string>{PASSTHRUD,
                                           "--root",
                                           kernel_.path(),
                                           "--worker",
                                           PASSTHRU_FAKE_WORKER,
                                           "--runtime-dir",
                                           kernel_.path() / "run",
                                           "--state-dir",
                                           kernel_.path() / "state",
                                           "--libvirt-uri",
                                           "test:///default"}
                : std::vector<std::string>{PASSTHRU_BARE_SERVER, std::to_string(gpus)};
        client = std::make_unique<Client>(bus_.address());
        const auto before = steady_clock::now();
        start(words);
        client->wait_for_name("org.passthru1");
        std::ignore = client->property("/org/passthru1", "org.passthru1.Manager", "Version");
        start_up = steady_clock::now() - before;
        gpu = kind == Kind::Ours ? "/org/passthru1/gpu/0000_01_00_0" : "/org/passthru1/gpu/card0";
    }
    ~Server() {
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// A client of an ordinary user; polkit says yes to him.
    Client& ordinary_user() {
        if (!user_) {
            polkit_ =
                std::make_unique<bus_test::FakePolkit>(bus_.address(), bus_test::Verdict::Yes);
            constexpr uid_t nobody = 65534;
            if (::setegid(nobody) != 0 || ::seteuid(nobody) != 0) std::abort();
            user_ = std::make_unique<Client>(bus_.address());
            user_->wait_for_name("org.passthru1");
            if (::seteuid(0) != 0 || ::setegid(0) != 0) std::abort();
        }
        return *user_;
    }
    /// A number behind `name` in /proc/PID/FILE.
    [[nodiscard]] long number(const char* file, const std::string& name) const {
        std::ifstream in(fmt::format("/proc/{}/{}", process_, file));
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with(name)) return std::atol(line.c_str() + name.size());
        }
        return -1;
    }

    std::unique_ptr<Client> client;
    std::string gpu;
    steady_clock::duration start_up{};

private:
    void put_link(int bus) const {
        const std::string folder = fmt::format("sys/bus/pci/devices/0000:{:02x}:00.0/", bus);
        kernel_.put(folder + "current_link_speed", "8.0 GT/s PCIe\n");
        kernel_.put(folder + "max_link_speed", "16.0 GT/s PCIe\n");
        kernel_.put(folder + "current_link_width", "16\n");
        kernel_.put(folder + "max_link_width", "16\n");
    }
    void start(const std::vector<std::string>& words) {
        std::vector<char*> arguments;
        for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        process_ = ::fork();
        if (process_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1);
        ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        ::execv(arguments[0], arguments.data());
        ::_exit(99);
    }

    fakes::FakeKernel kernel_;
    fakes::PrivateBus bus_;
    pid_t process_ = -1;
    std::unique_ptr<bus_test::FakePolkit> polkit_;
    std::unique_ptr<Client> user_;
};

using Call = Answer (*)(Server&);

void measure(benchmark::State& state, Kind kind, Call call) {
    Server server(kind, static_cast<int>(state.range(0)));
    for ([[maybe_unused]] auto _ : state) {
        if (const Answer answer = call(server); !answer.ok()) {
            state.SkipWithError((answer.error + ": " + answer.text).c_str());
            return;
        }
    }
}

Answer get(Server& server) {
    return server.client->property(server.gpu, gpu_interface, "State");
}
Answer get_all(Server& server) {
    return server.client->call({server.gpu, "org.freedesktop.DBus.Properties", "GetAll"}, "s",
                               gpu_interface);
}
Answer get_managed_objects(Server& server) {
    return server.client->call(
        {"/org/passthru1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"}, "");
}
/// Of what the host has: nothing to do, but whether the caller may is asked.
Answer guarded_as_root(Server& server) {
    return server.client->call({server.gpu, gpu_interface, "Reattach"}, "a{sv}", 0);
}
Answer guarded_as_user(Server& server) {
    return server.ordinary_user().call({server.gpu, gpu_interface, "Reattach"}, "a{sv}", 0);
}

void add(const char* name, Call call, const std::vector<int>& gpus) {
    for (const Kind kind : {Kind::Bare, Kind::Ours}) {
        for (const int number : gpus) {
            benchmark::RegisterBenchmark(
                fmt::format("{}/{}", name, kind == Kind::Ours ? "passthrud" : "bare").c_str(),
                [kind, call](benchmark::State& state) { measure(state, kind, call); })
                ->Arg(number)
                ->UseRealTime()
                ->Unit(benchmark::kMicrosecond);
        }
    }
}

/// What passthrud takes when nobody asks for anything.
void print_rest() {
    for (const Kind kind : {Kind::Bare, Kind::Ours}) {
        for (const int gpus : {1, 64}) {
            const Server server(kind, gpus);
            ::sleep(2);
            const long before = server.number("status", "voluntary_ctxt_switches:");
            ::sleep(20);
            fmt::print(
                "{:9} {:2} GPUs: starts in {} ms, has {} KiB of its own ({} KiB with what "
                "is shared), wakes {} times in 20 s\n",
                kind == Kind::Ours ? "passthrud" : "bare", gpus,
                std::chrono::duration_cast<std::chrono::milliseconds>(server.start_up).count(),
                server.number("smaps_rollup", "Private_Dirty:"), server.number("status", "VmRSS:"),
                server.number("status", "voluntary_ctxt_switches:") - before);
        }
    }
}

}  // namespace
}  // namespace passthru

int main(int count, char** arguments) {
    using namespace passthru;
    if (count == 2 && std::string_view(arguments[1]) == "--rest") {
        print_rest();
        return 0;
    }
    add("Get", get, {1, 64});
    add("GetAll", get_all, {1, 64});
    add("GetManagedObjects", get_managed_objects, {1, 64});
    add("Guarded as root", guarded_as_root, {1});
    add("Guarded as a user", guarded_as_user, {1});
    benchmark::Initialize(&count, arguments);
    benchmark::RunSpecifiedBenchmarks();
}
