// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/command_line.hpp"

#include "passthructl/answering.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <unistd.h>

namespace passthru::ctl {
namespace {

constexpr const char* gpu_help = "0000:01:00.0, 01:00.0, or a part of its name";

/// Everything that words can set.
struct Words {
    std::string root;
    std::string host;
    std::string color = "auto";
    bool json = false;
    bool no_ask_password = false;
    std::string action;
    std::string gpu;
    std::string domain;
    std::string file;
    std::string helped;
    std::vector<std::string> command;
    MoveWishes move;
    std::uint32_t wait = 0;
    std::uint32_t queue = 0;

    [[nodiscard]] Taking taking() const {
        Taking result = move.taking;
        if (wait > 0) result.wait = wait;
        if (queue > 0) result.queue = queue;
        return result;
    }
};

using Command = std::function<Exit(const Common&)>;

/// The verbs; each sets `chosen` to what it does.
void add_questions(CLI::App& app, Words& words, Command& chosen) {
    const auto verb = [&](const char* name, const char* what, Command command) {
        CLI::App* added = app.add_subcommand(name, what);
        added->callback([&chosen, command = std::move(command)] { chosen = command; });
        return added;
    };
    verb("list", "Show the GPUs and who has them (the default)", list);
    verb("status", "Show everything about one GPU, or about all", [&words](const Common& common) {
        return status(common, words.gpu);
    })->add_option("gpu", words.gpu, gpu_help);
    // Of no use to people: the shells' completions call it.
    verb("complete-gpus", "", complete_gpus)->group("");
    CLI::App* planned =
        verb("plan", "Show what would be done, or why not",
             [&words](const Common& common) { return plan(common, words.action, words.gpu); });
    planned->add_option("action", words.action, "detach, reattach or reset")->required();
    planned->add_option("gpu", words.gpu, gpu_help)->required();
    verb("owner", "Show who has a GPU",
         [&words](const Common& common) { return owner(common, words.gpu); })
        ->add_option("gpu", words.gpu, "0000:01:00.0 or 01:00.0")
        ->required();
    verb("holders", "Show which programs have a GPU open",
         [&words](const Common& common) { return holders(common, words.gpu); })
        ->add_option("gpu", words.gpu, gpu_help)
        ->required();
    verb("watch", "Print a line whenever a GPU changes", watch);
    verb("doctor", "Show what is wrong for VMs, and the cure", [&words](const Common& common) {
        return doctor(common, words.domain);
    })->add_option("--vm", words.domain, "For the start of this VM, or of that in FILE.xml");
    verb("config", "Show the settings that count, and their files", config);
    CLI::App* dumped =
        verb("dump-rom", "Write the video BIOS of a detached GPU to a file",
             [&words](const Common& common) { return dump_rom(common, words.gpu, words.file); });
    dumped->add_option("gpu", words.gpu, gpu_help)->required();
    dumped->add_option("file", words.file, "A file that is not there yet")->required();
    verb("forget", "Let a VM start with other devices than last time",
         [&words](const Common& common) { return forget(common, words.domain); })
        ->add_option("vm", words.domain, "The VM's name or UUID")
        ->required();
}

void add_taking(CLI::App& verb, Words& words) {
    verb.add_option("--wait", words.wait,
                    "Wait so many seconds, 1 to 120, for programs that have it open")
        ->check(CLI::Range(1, 120));
    verb.add_option("--queue", words.queue,
                    "Wait so many seconds, 1 to 120, for the VM or the lease that has it")
        ->check(CLI::Range(1, 120));
    verb.add_option("--override", words.move.taking.overrides,
                    "Pass over this check: BootGpu, InUse or HostCritical; may be repeated")
        ->expected(1)
        ->take_all();
}

void add_moves(CLI::App& app, Words& words, Command& chosen) {
    const auto mover = [&](const char* name, const char* what) {
        CLI::App* added = app.add_subcommand(name, what);
        added->add_option("gpu", words.move.gpu, gpu_help)->required();
        added->callback([&words, &chosen, name] {
            words.move.verb = name;
            words.move.taking = words.taking();
            chosen = [&words](const Common& common) { return move(common, words.move); };
        });
        return added;
    };
    add_taking(*mover("detach", "Take a GPU from the host and keep it ready for VMs"), words);
    mover("reattach", "Give a GPU back to the host");
    mover("reset", "Reset a GPU that is detached or has failed")
        ->add_option("--method", words.move.method,
                     "By this method only, such as flr, bus or suspend");
}

void add_run(CLI::App& app, Words& words, Command& chosen) {
    CLI::App* added = app.add_subcommand("run", "Run a command that has a GPU until it ends");
    added->add_option("gpu", words.gpu, gpu_help)->required();
    added->add_option("command", words.command, "The command and its arguments, after --")
        ->required();
    add_taking(*added, words);
    added->callback([&words, &chosen] {
        chosen = [&words](const Common& common) {
            return run(common, words.gpu, words.taking(), words.command);
        };
    });
}

void add_options(CLI::App& app, Words& words) {
    app.set_version_flag("--version", PASSTHRU_VERSION);
    app.add_flag("-j,--json", words.json, "Print JSON, as passthructl(1) describes it");
    app.add_option("-H,--host", words.host, "Ask the passthrud of this computer, over ssh")
        ->type_name("USER@HOST");
    app.add_flag("--no-ask-password", words.no_ask_password,
                 "Fail where a password would be needed");
    app.add_option("--color", words.color, "Colour states: auto, always or never")
        ->check(CLI::IsMember({"auto", "always", "never"}));
    app.add_option("--root", words.root, "Read the machine below this folder, ask no daemon")
        ->check(CLI::ExistingDirectory);
    app.require_subcommand(0, 1);
    app.fallthrough();
    app.footer(
        "Exit status: 0 done or answered, 1 failed, 2 wrong use, 3 no such GPU, 4 refused, 5 not\n"
        "allowed, 6 cancelled, 8 passthrud cannot be reached; run ends as its command does.");
    app.add_subcommand("help", "Show this text, or that of a verb")
        ->add_option("verb", words.helped, "list, status …");
}

bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

bool wants_colour(const std::string& when) {
    if (when != "auto") return when == "always";
    const char* terminal = std::getenv("TERM");
    const bool is_dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
    return ::isatty(STDOUT_FILENO) == 1 && !is_set("NO_COLOR") && !is_dumb;
}

Common common_of(const Words& words) {
    Common common;
    common.format = words.json ? Format::Json : Format::Text;
    if (!words.root.empty()) common.root = Root(words.root);
    if (!words.host.empty()) common.bus.host = words.host;
    common.bus.prompt = words.no_ask_password ? Prompt::Never : Prompt::Allowed;
    common.screen = {terminal_width(STDOUT_FILENO), wants_colour(words.color)};
    return common;
}

/// CLI11's own help() would be about the verb “help”.
Exit print_help(const CLI::App& app, const Words& words) {
    const auto verbs =
        app.get_subcommands([&](const CLI::App* verb) { return verb->get_name() == words.helped; });
    if (verbs.empty() && !words.helped.empty()) {
        return complain(
            common_of(words),
            problem_of(Error{Errc::InvalidArgs,
                             fmt::format("there is no verb “{:.40}”", words.helped), 0}));
    }
    const CLI::App& about = verbs.empty() ? app : *verbs.front();
    const std::string name = app.get_name() + (verbs.empty() ? "" : " " + words.helped);
    fmt::print("{}", app.get_formatter()->make_help(&about, name, CLI::AppFormatMode::Normal));
    return Exit::Success;
}

}  // namespace

std::expected<CommandLine, Exit> read_command_line(int argc, char** argv) {
    // What was read lives as long as the command that was chosen.
    static Words words;
    CLI::App app("Asks and tells passthrud about GPUs and virtual machines. See passthructl(1).",
                 "passthructl");
    Command chosen = list;
    add_options(app, words);
    add_questions(app, words, chosen);
    add_moves(app, words, chosen);
    add_run(app, words, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() != 0 && words.json) {
            return std::unexpected(
                complain(common_of(words), problem_of(Error{Errc::InvalidArgs, error.what(), 0})));
        }
        return std::unexpected(app.exit(error) == 0 ? Exit::Success : Exit::Usage);
    }
    if (app.got_subcommand("help")) return std::unexpected(print_help(app, words));
    return CommandLine{common_of(words), chosen};
}

}  // namespace passthru::ctl
