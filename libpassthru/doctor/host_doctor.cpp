// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/doctor/host_doctor.hpp"

#include "libpassthru/config/config.hpp"
#include "libpassthru/drop_ins.hpp"
#include "libpassthru/pci/set_state.hpp"
#include "libpassthru/reset/quirk_file.hpp"
#include "libpassthru/safety/services.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <sstream>
#include <unistd.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;

/// A path below the root as a person of that machine would write it.
std::string shown(const Root& root, const fs::path& path) {
    return "/" + path.lexically_relative(root.below("")).string();
}

fs::path hook_file(const Root& root) {
    return root.below(std::string(PASSTHRU_HOOK_FILE).substr(1));
}

void check_hook(const Root& root, std::vector<DoctorFinding>& into) {
    const fs::path hook = hook_file(root);
    constexpr const char* manual = "man:passthru-hook(8)";
    if (::access(hook.c_str(), F_OK) != 0) {
        into.push_back(
            {"hook-missing", Severity::Error, shown(root, hook),
             "libvirt's hook for passthrud is not installed, so that VMs start without it",
             "install passthrud again, and reload libvirtd", manual});
    } else if (::access(hook.c_str(), X_OK) != 0) {
        // virFileIsExecutable passes over it without a word.
        into.push_back({"hook-not-executable", Severity::Error, shown(root, hook),
                        "libvirt ignores the hook for passthrud, since it is not executable",
                        fmt::format("chmod 755 {}", shown(root, hook)), manual});
    }
}

/// What a script does that moves devices by itself, or nothing.
std::string_view rival_deed(std::string_view line) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) return {};
    if (line[line.find_first_not_of(" \t")] == '#') return {};
    constexpr std::string_view deeds[] = {
        "nodedev-detach",   "nodedev-reattach", "driver_override", "/unbind",
        "drivers/vfio-pci", "new_id",           "modprobe -r",     "rmmod"};
    for (const std::string_view deed : deeds) {
        if (line.contains(deed)) return deed;
    }
    return {};
}

void check_rival(const Root& root, const fs::path& file, std::vector<DoctorFinding>& into) {
    const auto text = read_text(file);
    if (!text || ::access(file.c_str(), X_OK) != 0) return;
    std::istringstream lines(*text);
    std::size_t number = 1;
    for (std::string line; std::getline(lines, line); ++number) {
        const std::string_view deed = rival_deed(line);
        if (deed.empty()) continue;
        into.push_back(
            {"rival-hook", Severity::Warning, shown(root, file),
             fmt::format("this hook moves devices itself (line {}: {}), beside passthrud", number,
                         deed),
             "take those lines out, or remove the file: passthrud does what they are for",
             "man:passthru-hook(8)"});
        return;
    }
}

/// libvirt's own places for hooks, and the folders of a helper script that many guides install.
void check_rivals(const Root& root, std::vector<DoctorFinding>& into) {
    const fs::path folder = root.below("etc/libvirt/hooks");
    std::error_code error;
    std::vector<fs::path> files{folder / "qemu"};
    auto entry = fs::recursive_directory_iterator(
        folder / "qemu.d", fs::directory_options::skip_permission_denied, error);
    constexpr int deepest = 3;  // VM/prepare/begin/FILE
    constexpr std::size_t most = 256;
    for (; !error && entry != fs::end(entry) && files.size() < most; entry.increment(error)) {
        if (entry.depth() >= deepest) entry.disable_recursion_pending();
        if (entry->is_regular_file(error)) files.push_back(entry->path());
    }
    std::ranges::sort(files);
    for (const fs::path& file : files) {
        if (file != hook_file(root)) check_rival(root, file, into);
    }
}

/// `10de:2489` of `10de:2489:1458:*:…`, in lower case.
std::string id_of(std::string_view word) {
    std::string id(word.substr(0, 9));
    std::ranges::transform(id, id.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return id;
}

void check_bound_at_boot(const Inventory& inventory, const std::string& ids,
                         const std::string& where, std::vector<DoctorFinding>& into) {
    std::istringstream words(ids);
    for (std::string word; std::getline(words, word, ',');) {
        for (const auto& [bdf, function] : inventory.functions) {
            if (function.id.str() != id_of(word) || !inventory.leads(function)) continue;
            into.push_back(
                {"bound-at-boot", Severity::Note, bdf.str(),
                 fmt::format("vfio-pci takes {} at boot ({}): VMs get it, and the host never does",
                             id_of(word), where),
                 fmt::format("take {} out of there to let the host use it between VMs",
                             id_of(word)),
                 "man:passthrud(8)"});
        }
    }
}

void check_all_bound_at_boot(const Root& root, const Inventory& inventory,
                             std::vector<DoctorFinding>& into) {
    check_bound_at_boot(inventory, inventory.platform.parameter("vfio-pci.ids"),
                        "vfio-pci.ids= on the kernel's command line", into);
    const std::vector<fs::path> folders{root.below("usr/lib/modprobe.d"),
                                        root.below("run/modprobe.d"), root.below("etc/modprobe.d")};
    for (const fs::path& file : drop_in_files(folders, ".conf")) {
        std::istringstream lines(read_text(file).value_or(""));
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            std::string verb;
            std::string module;
            words >> verb >> module;
            std::ranges::replace(module, '_', '-');
            if (verb != "options" || module != "vfio-pci") continue;
            for (std::string option; words >> option;) {
                if (!option.starts_with("ids=")) continue;
                check_bound_at_boot(inventory, option.substr(4), shown(root, file), into);
            }
        }
    }
}

void check_interrupts(const Root& root, std::vector<DoctorFinding>& into) {
    const char* parameter = "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
    if (read_attribute(root.below(parameter)).value_or("N") != "Y") return;
    into.push_back(
        {"unsafe-interrupts", Severity::Warning, "",
         "VFIO is allowed to work without interrupt remapping: a guest can disturb the "
         "host with its card's interrupts",
         "take allow_unsafe_interrupts=1 out of modprobe.d where the board does not need "
         "it",
         "man:passthrud(8)"});
}

void check_own_files(const Root& root, std::vector<DoctorFinding>& into) {
    const auto add = [&](Severity severity, const std::string& message, const char* manual) {
        into.push_back({"configuration", severity, "", message, "", manual});
    };
    constexpr const char* config_manual = "man:passthrud.conf(5)";
    const auto config = read_config_files(root);
    if (!config) {
        add(Severity::Error, config.error().message, config_manual);
    } else {
        for (const std::string& it : config->warnings) add(Severity::Warning, it, config_manual);
        const std::vector<std::string> services = config->config.stop_services();
        for (const std::string& it : std::set(services.begin(), services.end())) {
            if (has_unit(root, it)) continue;
            add(Severity::Note,
                fmt::format("stop-services has {}, and no unit has that name: it is never stopped",
                            it),
                config_manual);
        }
    }
    for (const std::string& it : read_quirk_files(root).problems) {
        add(Severity::Warning, it, "man:passthrud.quirks(5)");
    }
}

}  // namespace

bool hook_is_installed(const Root& root) {
    return ::access(hook_file(root).c_str(), X_OK) == 0;
}

std::vector<DoctorFinding> findings_of_host(const Root& root, const Inventory& inventory) {
    std::vector<DoctorFinding> result;
    check_hook(root, result);
    check_rivals(root, result);
    check_all_bound_at_boot(root, inventory, result);
    check_interrupts(root, result);
    check_own_files(root, result);
    return result;
}

std::vector<DoctorFinding> diagnose(const Root& root, const std::optional<DomainRequest>& domain) {
    const Inventory inventory = read_inventory(root);
    std::vector<DoctorFinding> result = findings_of_host(root, inventory);
    const std::vector<DeviceSet> sets = device_sets(inventory);
    std::vector<DryRun> runs;
    for (const DeviceSet& set : sets) {
        // One that is with a VM already is nobody's to take.
        if (set_state(set, inventory) == SetState::Guest || (domain && !touches(*domain, set))) {
            continue;
        }
        for (const Bdf& gpu : domain ? std::vector{set.id()} : set.with_role(Role::Gpu)) {
            auto run = dry_run_detach(root, gpu, domain ? domain->functions : std::vector<Bdf>{});
            if (run) runs.push_back(std::move(*run));
        }
    }
    std::ranges::move(findings_of_gpus(runs), std::back_inserter(result));
    if (!domain) return result;
    if (const auto all = check_functions(*domain, inventory); !all) {
        result.push_back(objection_to(*domain, all.error()));
    }
    std::ranges::move(findings_of_domain(*domain, inventory, sets), std::back_inserter(result));
    return result;
}

}  // namespace passthru
