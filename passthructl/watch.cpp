// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/answering.hpp"
#include "passthructl/bus_values.hpp"
#include "passthructl/daemon.hpp"
#include "passthructl/loop.hpp"

#include <chrono>
#include <fmt/chrono.h>
#include <map>

namespace passthru::ctl {
namespace {

using nlohmann::json;

/// Keeps passthrud's objects as its signals tell them, and prints what changes of the GPUs.
class Watch {
public:
    Watch(const Common& common, Daemon& daemon)
        : common_(common), daemon_(daemon), loop_(daemon.bus()) {}

    Answer<void> run();

private:
    using Seen = std::map<std::string, GpuRow>;

    void on_signal(const Signal& signal);
    void on_removed(const std::string& path);
    void on_name(const std::string& owner);
    void read_all();
    void report();
    void print_gpu(std::string_view event, const GpuRow& gpu) const;
    void print_daemon(std::string_view event, std::string_view text) const;
    void print(json line, const std::string& text) const;

    const Common& common_;
    Daemon& daemon_;
    Loop loop_;
    Objects objects_ = json::object();
    Seen seen_;
    bool first_ = true;
    bool away_ = false;  ///< passthrud is; what it told last still stands
};

/// Is there something to tell? That a job is at its end shows in the state.
bool differs(const GpuRow& before, const GpuRow& now) {
    const bool goes_on = now.job && !now.job->text.empty();
    return before.state != now.state || before.owner != now.owner || before.queue != now.queue ||
           (goes_on && before.job != now.job);
}

Answer<void> Watch::run() {
    const auto heard =
        daemon_.bus().listen("type='signal',sender='org.passthru1',path_namespace='/org/passthru1'",
                             [this](const Signal& signal) { on_signal(signal); });
    if (!heard) return heard;
    const auto named = daemon_.bus().listen(
        "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
        "arg0='org.passthru1'",
        [this](const Signal& signal) { on_name(signal.values.at(2)); });
    if (!named) return named;
    auto objects = daemon_.objects();
    if (!objects) return std::unexpected(objects.error());
    objects_ = std::move(*objects);
    report();
    loop_.on_interrupt([this] { loop_.end(Exit::Success); });
    if (loop_.run() == Exit::Success) return {};
    return std::unexpected(bus_is_gone());
}

void Watch::on_signal(const Signal& signal) {
    const json& values = signal.values;
    if (signal.member == "InterfacesAdded") {
        objects_[values.at(0).get<std::string>()].update(values.at(1));
    } else if (signal.member == "InterfacesRemoved") {
        return on_removed(values.at(0));
    } else if (signal.member == "PropertiesChanged") {
        const auto object = objects_.find(signal.path);
        if (object == objects_.end()) return;
        (*object)[values.at(0).get<std::string>()].update(values.at(1));
    } else {
        return;
    }
    report();
}

/// passthrud takes its objects away when it ends, too: a card is gone when passthrud still says so.
void Watch::on_removed(const std::string& path) {
    const bool is_gpu = objects_.contains(path) && objects_[path].contains(gpu_interface);
    if (is_gpu) return read_all();
    objects_.erase(path);
    report();
}

void Watch::on_name(const std::string& owner) {
    away_ = owner.empty();
    if (away_) return print_daemon("stopped", "passthrud has ended; its GPUs stay as they are");
    print_daemon("started", "passthrud is there again");
    read_all();
}

void Watch::read_all() {
    const Bus::Message call = daemon_.bus().create(
        {root_path, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"});
    sd_bus_message_set_auto_start(call.get(), 0);
    daemon_.bus().start(call, [this](const Answer<json>& objects) {
        if (!objects || objects->empty()) return;
        objects_ = objects->front();
        report();
    });
}

void Watch::report() {
    if (away_) return;
    Seen now;
    for (GpuRow& gpu : gpus_of(objects_)) now.emplace(gpu.address, std::move(gpu));
    for (const auto& [address, gpu] : seen_) {
        if (!now.contains(address)) print_gpu("vanished", gpu);
    }
    for (const auto& [address, gpu] : now) {
        const auto before = seen_.find(address);
        if (before == seen_.end()) {
            print_gpu(first_ ? "present" : "appeared", gpu);
        } else if (differs(before->second, gpu)) {
            print_gpu("changed", gpu);
        }
    }
    first_ = false;
    seen_ = std::move(now);
}

void Watch::print_gpu(std::string_view event, const GpuRow& gpu) const {
    const bool is_gone = event == "vanished";
    const std::string state = is_gone ? "vanished" : gpu.state;
    constexpr std::size_t widest = sizeof("reattaching") - 1;
    const std::string blanks(widest - std::min(widest, state.size()), ' ');
    std::string text =
        fmt::format("{}  {}{}", gpu.address,
                    styled(printable(state), style_of_state(gpu.state), common_.screen), blanks);
    if (!is_gone) text += "  " + printable(owner_text(gpu.owner));
    if (!is_gone && !gpu.queue.empty()) text += fmt::format("  {} waiting", gpu.queue.size());
    if (!is_gone && gpu.job) text += "  " + printable(job_text(*gpu.job));
    print({{"event", event},
           {"address", gpu.address},
           {"state", gpu.state},
           {"owner", to_json(gpu.owner)},
           {"job", to_json(gpu.job)},
           {"queue", to_json(gpu.queue)}},
          text);
}

void Watch::print_daemon(std::string_view event, std::string_view text) const {
    print({{"event", event}}, std::string(text));
}

void Watch::print(json line, const std::string& text) const {
    const auto now = std::chrono::system_clock::now();
    if (common_.format == Format::Json) {
        line["time"] =
            std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
        fmt::print("{}\n", json_text(line, -1));
    } else {
        fmt::print("{:%T}  {}\n", fmt::localtime(std::chrono::system_clock::to_time_t(now)), text);
    }
    std::fflush(stdout);
}

}  // namespace

Exit watch(const Common& common) {
    if (common.root) return complain(common, not_of_a_copy("watch"));
    auto daemon = Daemon::connect(common.bus);
    if (!daemon) return complain(common, daemon.error());
    const auto done = Watch(common, *daemon).run();
    return done ? Exit::Success : complain(common, done.error());
}

}  // namespace passthru::ctl
