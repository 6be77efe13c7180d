// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/answering.hpp"
#include "passthructl/bus_values.hpp"
#include "passthructl/daemon.hpp"
#include "passthructl/loop.hpp"
#include "passthructl/progress.hpp"

namespace passthru::ctl {
namespace {

using nlohmann::json;

/// One Detach, Reattach or Reset from its call to its answer.
class Move {
public:
    Move(Daemon& daemon, const MoveWishes& wishes, std::string path)
        : daemon_(daemon),
          wishes_(wishes),
          path_(std::move(path)),
          progress_(address_of(path_)),
          loop_(daemon.bus()) {}

    /// What passthrud answered; Interrupted where the user did not wait for it.
    Answer<void> run();

private:
    Bus::Message call() const;
    void on_signal(const Signal& signal);
    void on_queue(const json& queue);
    void on_job_path(const std::string& path);
    void follow(const std::string& path);
    void on_job_changes(const json& changes);
    void interrupt();
    void cancel();
    void say(const std::string& text);

    Daemon& daemon_;
    const MoveWishes& wishes_;
    const std::string path_;
    Progress progress_;
    Loop loop_;
    Answer<void> answer_;
    std::string job_path_ = "/";
    json job_ = json::object();  ///< its properties as far as they are known
    int interrupts_ = 0;
    bool asked_ = false;       ///< for a cancel
    bool waits_ = false;       ///< for the GPU's owner
    bool cancelling_ = false;  ///< Cancel is on its way
};

Answer<void> Move::run() {
    const auto heard = daemon_.bus().listen(
        "type='signal',sender='org.passthru1',interface='org.freedesktop.DBus.Properties',"
        "member='PropertiesChanged',path_namespace='/org/passthru1'",
        [this](const Signal& signal) { on_signal(signal); });
    if (!heard) return heard;
    loop_.on_interrupt([this] { interrupt(); });
    daemon_.bus().start(call(), [this](const Answer<json>& answer) {
        if (!answer) answer_ = std::unexpected(answer.error());
        loop_.end(Exit::Success);
    });
    const Exit exit = loop_.run();
    progress_.clear();
    if (exit == Exit::Success) return answer_;
    if (exit == Exit::NoDaemon) return std::unexpected(bus_is_gone());
    return std::unexpected(
        Problem{exit, dbus_name(Errc::Failed), "passthrud goes on without passthructl"});
}

Bus::Message Move::call() const {
    std::string member = wishes_.verb;
    member.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(member.front())));
    Bus::Message message = daemon_.bus().create({path_, gpu_interface, member});
    sd_bus_message* const it = message.get();
    sd_bus_message_open_container(it, 'a', "{sv}");
    if (!wishes_.method.empty()) {
        sd_bus_message_append(it, "{sv}", "method", "s", wishes_.method.c_str());
    }
    append(it, wishes_.taking);
    sd_bus_message_close_container(it);
    return message;
}

void Move::on_signal(const Signal& signal) {
    const json& changes = signal.values.at(1);
    if (signal.path == path_ && changes.contains("Queue")) on_queue(changes.at("Queue"));
    if (signal.path == path_ && changes.contains("Job")) on_job_path(text(changes, "Job"));
    if (signal.path == job_path_) on_job_changes(changes);
}

/// While it waits for the GPU the job to look at is its own wait, not what the owner's end brings.
void Move::on_queue(const json& queue) {
    const auto mine = std::ranges::find_if(queue, [this](const json& it) {
        return text(it, "client") == daemon_.bus().unique_name();
    });
    const bool waited = std::exchange(waits_, mine != queue.end());
    if (waits_ && !waited) follow(text(*mine, "job"));
}

void Move::on_job_path(const std::string& path) {
    if (!waits_) follow(path);
}

void Move::follow(const std::string& path) {
    job_path_ = path;
    job_ = json::object();
    if (path == "/") return;
    // Ctrl-C came before the job; what undoes a cancelled one is a job as well.
    if (interrupts_ > 0 && !asked_ && wishes_.verb == "detach") cancel();
    const Bus::Message get =
        daemon_.bus().create({path, "org.freedesktop.DBus.Properties", "GetAll"});
    sd_bus_message_append(get.get(), "s", job_interface);
    daemon_.bus().start(get, [this, path](const Answer<json>& all) {
        if (all && path == job_path_) on_job_changes(all->at(0));
    });
}

void Move::on_job_changes(const json& changes) {
    job_.update(changes);
    if (job_.contains("Steps")) progress_.show(job_of(job_));
}

void Move::interrupt() {
    // A caller that is gone cancels nothing: the second time waits for passthrud to have heard it.
    if (++interrupts_ == 2 && cancelling_) return;
    if (interrupts_ > 1) return loop_.end(Exit::Interrupted);
    if (wishes_.verb != "detach") {
        return say(
            fmt::format("a {} goes on to its end; Ctrl-C again leaves it alone", wishes_.verb));
    }
    if (job_path_ == "/") return say("it will be cancelled; Ctrl-C again leaves it alone");
    cancel();
}

/// Only what passthrud has heard is said to be cancelled.
void Move::cancel() {
    const Bus::Message call = daemon_.bus().create({job_path_, job_interface, "Cancel"});
    sd_bus_message_append(call.get(), "a{sv}", 0);
    asked_ = true;
    cancelling_ = true;
    daemon_.bus().start(call, [this](const Answer<json>& done) {
        cancelling_ = false;
        say(done ? "cancelled: what was done is taken back; Ctrl-C again leaves it alone"
                 : "it is not cancelled: " + done.error().message);
        if (interrupts_ > 1) loop_.end(Exit::Interrupted);
    });
}

void Move::say(const std::string& text) {
    progress_.clear();
    fmt::print(stderr, "passthructl: {}\n", printable(text));
}

}  // namespace

Exit move(const Common& common, const MoveWishes& wishes) {
    if (common.root) return complain(common, not_of_a_copy(wishes.verb));
    auto daemon = Daemon::connect(common.bus);
    if (!daemon) return complain(common, daemon.error());
    const auto path = daemon->find(wishes.gpu);
    if (!path) return complain(common, path.error());
    const auto agent = password_agent(common);
    const auto done = Move(*daemon, wishes, *path).run();
    if (!done) return complain(common, done.error());
    if (common.format == Format::Text) return Exit::Success;
    const auto gpu = daemon->gpu(address_of(*path));
    return gpu ? show(common, Details{{*gpu}}) : complain(common, gpu.error());
}

}  // namespace passthru::ctl
