// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/play_write.hpp"

#include "libpassthru/safety/holders.hpp"
#include "tests/fakes/fake_kernel.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>

namespace passthru::fakes {
namespace {

namespace fs = std::filesystem;

struct Write {
    std::string attribute;  ///< the last part of its path
    std::optional<Bdf> bdf;
    std::string driver;  ///< whose `bind` or `unbind` it is
    std::string value;
};

std::string trimmed(std::string_view text) {
    while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
    return std::string(text);
}

std::optional<Bdf> named_function(std::string_view text) {
    const auto bdf = parse_bdf(text);
    return bdf ? std::optional(*bdf) : std::nullopt;
}

/// Which attribute is meant; ENOENT when there is none. The folder is followed as the kernel does
/// it: by descriptor.
Result<Write> find_target(const fs::path& tree, int folder, const char* name,
                          std::string_view value) {
    std::error_code error;
    const fs::path opened = fs::read_symlink(fmt::format("/proc/self/fd/{}", folder), error);
    if (error || !fs::is_directory(opened)) return fail(Errc::Failed, "the folder is gone", ENODEV);
    const fs::path named = opened / name;
    const fs::path through = follow(named.parent_path());  // `driver`
    const fs::path attribute = through.empty() ? named : through / named.filename();
    if (!fs::exists(attribute)) return fail(Errc::Failed, "no such attribute", ENOENT);
    if (!attribute.string().starts_with(tree.string()))
        return fail(Errc::Failed, "not in the tree", EPERM);
    Write write;
    write.attribute = attribute.filename().string();
    write.value = trimmed(value);
    const fs::path parent = attribute.parent_path();
    if (parent.parent_path() == tree / "sys/bus/pci/drivers")
        write.driver = parent.filename().string();
    if (!write.driver.empty() || write.attribute == "drivers_probe") {
        write.bdf = named_function(write.value);
        if (!write.bdf) return fail(Errc::Failed, "no function", ENODEV);
    } else {
        write.bdf = named_function(parent.filename().string());
        if (!write.bdf) write.bdf = named_function(parent.parent_path().filename().string());
    }
    return write;
}

/// Counts the write and tells what was planned for it.
std::optional<Fault> due_fault(const KernelTree& kernel, const Write& write) {
    const std::string key = write_key(write.attribute, write.bdf.value_or(Bdf{}));
    const fs::path counter = kernel.tree() / "fake/counts" / key;
    const int count = std::stoi(read_attribute(counter).value_or("0")) + 1;
    kernel.put(counter, std::to_string(count));
    for (const std::string& when : {std::to_string(count), std::string("always")}) {
        if (const auto kind =
                read_attribute(kernel.tree() / "fake/faults" / fmt::format("{}@{}", key, when))) {
            return static_cast<Fault>(std::stoi(*kind));
        }
    }
    return std::nullopt;
}

void hang(const KernelTree& kernel, const Write& write) {
    stand_at(kernel.tree() / "fake/blocked" /
             write_key(write.attribute, write.bdf.value_or(Bdf{})));
}

int unbind(const KernelTree& kernel, const Write& write) {
    const Bdf& bdf = *write.bdf;
    if (kernel.driver_of(bdf) != write.driver) return ENODEV;
    if (kernel.drawn(bdf).is_bridge()) kernel.accident("unbind of the bridge " + bdf.str());
    if (!is_stub_driver(write.driver) &&
        std::ranges::any_of(find_holders(Root(kernel.tree()), {bdf}), blocks)) {
        kernel.accident(fmt::format("unbind of {} from {} while a process has it open", bdf.str(),
                                    write.driver));
    }
    return kernel.unbind(bdf);
}

int set_override(const KernelTree& kernel, const Write& write) {
    if (kernel.drawn(*write.bdf).is_bridge())
        kernel.accident("override of the bridge " + write.bdf->str());
    const std::string text = write.value.empty() ? "(null)" : write.value;
    kernel.put(kernel.folder(*write.bdf) / "driver_override", text + "\n");
    return 0;
}

int perform(const KernelTree& kernel, const Write& write) {
    if (!write.bdf) {
        if (write.attribute != "rescan") return EINVAL;
        kernel.rescan();
        return 0;
    }
    const Bdf& bdf = *write.bdf;
    if (kernel.folder(bdf).empty()) return ENODEV;
    if (write.attribute == "unbind") return unbind(kernel, write);
    if (write.attribute == "bind") return kernel.bind(bdf, write.driver);
    if (write.attribute == "drivers_probe") return kernel.probe(bdf);
    if (write.attribute == "driver_override") return set_override(kernel, write);
    if (write.attribute == "reset") return write.value == "1" ? kernel.reset(bdf) : EINVAL;
    if (write.attribute == "rom") return 0;  // shown whether asked for or not
    if (write.attribute == "reset_method") return kernel.set_reset_method(bdf, write.value);
    if (write.attribute == "remove") {
        kernel.remove(bdf);
        return 0;
    }
    if (write.attribute == "rescan") {
        kernel.rescan();
        return 0;
    }
    if (write.attribute == "control") {
        kernel.set_power_control(bdf, write.value);
        return 0;
    }
    if (write.attribute == "d3cold_allowed") {
        kernel.put(kernel.folder(bdf) / write.attribute, write.value + "\n");
        return 0;
    }
    return EACCES;
}

}  // namespace

std::string write_key(std::string_view attribute, const Bdf& bdf) {
    return fmt::format("{}@{}", attribute, bdf.str());
}

int play_write(const fs::path& tree, int folder, const char* name, std::string_view value) {
    if (value.empty()) return 0;  // never reaches the kernel
    const KernelTree kernel(tree);
    const auto write = find_target(tree, folder, name, value);
    if (!write) return write.error().errnum;
    const std::string function = write->bdf ? " " + write->bdf->str() : "";
    const bool by_value = !write->driver.empty() || write->attribute == "drivers_probe";
    kernel.add_line("fake/writes",
                    write->attribute + function + (by_value ? "" : " " + write->value));
    switch (const auto fault = due_fault(kernel, *write); fault.value_or(Fault::Block)) {
        case Fault::Busy: return EBUSY;
        case Fault::NoDevice: return ENODEV;
        case Fault::InputOutput: return EIO;
        case Fault::Invalid: return EINVAL;
        case Fault::NoEffect: return 0;
        case Fault::LateError: std::ignore = perform(kernel, *write); return EIO;
        case Fault::Unplug: kernel.unplug(*write->bdf); return ENODEV;
        case Fault::UnplugCard: kernel.unplug_card(*write->bdf); return ENODEV;
        case Fault::Block:
            if (fault) hang(kernel, *write);
            break;
    }
    return perform(kernel, *write);
}

}  // namespace passthru::fakes
