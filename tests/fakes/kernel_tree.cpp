// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/kernel_tree.hpp"

#include "libpassthru/pci/sysfs.hpp"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <set>
#include <sys/inotify.h>
#include <unistd.h>

namespace passthru::fakes {
namespace {

namespace fs = std::filesystem;

constexpr const char* bus = "sys/bus/pci";

std::string modalias_of(const FakeFunction& function) {
    return fmt::format("pci:v{:08X}d{:08X}sv{:08X}sd{:08X}bc{:02X}sc{:02X}i{:02X}",
                       function.id.vendor, function.id.device, function.subsystem.vendor,
                       function.subsystem.device, function.class_code >> 16,
                       (function.class_code >> 8) & 0xff, function.class_code & 0xff);
}

bool is_drm(const FakeFunction& function) {
    return (function.class_code >> 16) == 0x03;
}

bool is_sound(const FakeFunction& function) {
    return (function.class_code >> 8) == 0x0403;
}

}  // namespace

std::string config_of(const FakeFunction& function) {
    std::string bytes(64, function.answers ? '\0' : '\xff');
    if (!function.answers) return bytes;
    const auto word = [&](std::size_t at, unsigned value) {
        bytes[at] = static_cast<char>(value & 0xff);
        bytes[at + 1] = static_cast<char>(value >> 8);
    };
    word(0x00, function.id.vendor);
    word(0x02, function.id.device);
    word(0x04, 0x0006);  // memory and bus master
    word(0x06, 0x0010);  // has capabilities
    bytes[0x09] = static_cast<char>(function.class_code & 0xff);
    word(0x0a, function.class_code >> 8);
    const unsigned several = function.bdf.function > 0 ? 0x80 : 0;
    word(0x0e, several | (function.is_bridge() ? 1 : 0));
    if (!function.is_bridge()) {
        word(0x2c, function.subsystem.vendor);
        word(0x2e, function.subsystem.device);
    }
    return bytes;
}

void wait_until_removed(const fs::path& file) {
    const int events = ::inotify_init1(IN_CLOEXEC);
    char buffer[512];
    while (::inotify_add_watch(events, file.c_str(), IN_DELETE_SELF) >= 0) {
        std::ignore = ::read(events, buffer, sizeof buffer);
    }
    ::close(events);
}

void stand_at(const fs::path& mark) {
    std::ofstream(mark) << "";
    wait_until_removed(mark);
}

fs::path follow(const fs::path& link) {
    std::error_code error;
    const fs::path target = fs::read_symlink(link, error);
    return error ? fs::path() : (link.parent_path() / target).lexically_normal();
}

fs::path KernelTree::lock_of(const Bdf& bdf) const {
    return tree_ / "fake/locks" / bdf.str();
}

void KernelTree::put(const fs::path& file, std::string_view text) const {
    static std::atomic<unsigned> counter = 0;
    const fs::path temporary = tree_ / fmt::format("fake/tmp/{}.{}", ::getpid(), counter++);
    std::ofstream(temporary, std::ios::binary) << text;
    fs::rename(temporary, file);
}

void KernelTree::add_line(std::string_view file, std::string_view line) const {
    std::ofstream(tree_ / file, std::ios::app) << fmt::format("{}\n", line);
}

void KernelTree::link(const fs::path& from, const fs::path& to) const {
    fs::create_symlink((tree_ / to).lexically_relative((tree_ / from).parent_path()), tree_ / from);
}

fs::path KernelTree::folder(const Bdf& bdf) const {
    return follow(tree_ / bus / "devices" / bdf.str());
}

std::optional<std::string> KernelTree::driver_of(const Bdf& bdf) const {
    return read_link_name(tree_ / bus / "devices" / bdf.str() / "driver");
}

FakeFunction KernelTree::drawn(const Bdf& bdf) const {
    const std::string text = read_attribute(tree_ / "fake/functions" / bdf.str()).value();
    const std::size_t newline = text.find('\n');
    FakeFunction function = parse_world(text.substr(newline + 1)).front();
    function.folder = text.substr(0, newline);
    return function;
}

std::vector<Bdf> KernelTree::group_of(const Bdf& bdf) const {
    std::vector<Bdf> members;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder(bdf) / "iommu_group/devices", none)) {
        members.push_back(parse_bdf(entry.path().filename().string()).value());
    }
    std::ranges::sort(members);
    return members;
}

bool KernelTree::group_is_owned(const Bdf& bdf) const {
    return std::ranges::any_of(group_of(bdf), [&](const Bdf& member) {
        return is_stub_driver(driver_of(member).value_or("")) &&
               read_attribute(folder(member) / "enable") != "0";
    });
}

std::vector<Bdf> KernelTree::in_the_way(const Bdf& bdf) const {
    std::vector<Bdf> result;
    for (const Bdf& member : group_of(bdf)) {
        const auto driver = driver_of(member);
        if (driver && *driver != "pcieport" && !is_stub_driver(*driver)) result.push_back(member);
    }
    return result;
}

void KernelTree::enumerate(const FakeFunction& function) const {
    const fs::path folder = tree_ / function.folder;
    fs::create_directories(folder / "power");
    put(tree_ / "fake/functions" / function.bdf.str(),
        fmt::format("{}\n{}\n", function.folder.string(), line_of(function)));
    put(folder / "vendor", fmt::format("0x{:04x}\n", function.id.vendor));
    put(folder / "device", fmt::format("0x{:04x}\n", function.id.device));
    put(folder / "subsystem_vendor", fmt::format("0x{:04x}\n", function.subsystem.vendor));
    put(folder / "subsystem_device", fmt::format("0x{:04x}\n", function.subsystem.device));
    put(folder / "class", fmt::format("0x{:06x}\n", function.class_code));
    put(folder / "config", config_of(function));
    put(folder / "modalias", modalias_of(function) + "\n");
    put(folder / "driver_override", function.driver_override.value_or("(null)") + "\n");
    put(folder / "enable", "0\n");
    put(folder / "power_state", "unknown\n");
    put(folder / "power/control", function.power_control + "\n");
    put(folder / "d3cold_allowed", "1\n");
    put(folder / "numa_node", "-1\n");
    put(folder / "remove", "");
    put(folder / "rescan", "");
    if ((function.class_code >> 8) == 0x0300)
        put(folder / "boot_vga", function.boot_vga ? "1\n" : "0\n");
    if (function.is_bridge())
        put(folder / "secondary_bus_number", fmt::format("{}\n", function.bdf.bus + 1));
    if (!function.reset_methods.empty()) {
        put(folder / "reset", "");
        put(folder / "reset_method", fmt::format("{}\n", fmt::join(function.reset_methods, " ")));
    }
    const fs::path bridge = folder.parent_path() / "secondary_bus_number";
    if (fs::exists(bridge)) put(bridge, fmt::format("{}\n", function.bdf.bus));
    link(fs::path(bus) / "devices" / function.bdf.str(), function.folder);
    if (function.group) {
        const fs::path group = fmt::format("sys/kernel/iommu_groups/{}", *function.group);
        fs::create_directories(tree_ / group / "devices");
        put(tree_ / group / "type", "DMA-FQ\n");
        link(group / "devices" / function.bdf.str(), function.folder);
        link(function.folder / "iommu_group", group);
    }
    if (is_drm(function)) std::ignore = number_of(function.bdf, "drm");
    if (is_sound(function)) std::ignore = number_of(function.bdf, "sound");
}

void KernelTree::load_driver(std::string_view driver) const {
    const fs::path folder = tree_ / bus / "drivers" / driver;
    if (!fs::create_directories(folder)) return;
    for (const char* name : {"bind", "unbind", "new_id", "remove_id"}) put(folder / name, "");
}

void KernelTree::remove(const Bdf& bdf) const {
    const fs::path folder = this->folder(bdf);
    for (const auto& entry : fs::directory_iterator(folder)) {
        const auto child = parse_bdf(entry.path().filename().string());
        if (child && !entry.is_symlink()) remove(*child);
    }
    if (driver_of(bdf)) std::ignore = unbind(bdf);
    fs::remove(folder / "iommu_group/devices" / bdf.str());
    fs::remove(tree_ / bus / "devices" / bdf.str());
    fs::remove_all(folder);
}

void KernelTree::unplug(const Bdf& bdf) const {
    fs::create_directories(tree_ / "fake/unplugged");
    put(tree_ / "fake/unplugged" / bdf.str(), "");
    remove(bdf);
}

void KernelTree::replug() const {
    fs::remove_all(tree_ / "fake/unplugged");
    rescan();
}

void KernelTree::unplug_card(const Bdf& bdf) const {
    std::vector<Bdf> card;
    for (const auto& entry : fs::directory_iterator(folder(bdf).parent_path())) {
        const auto function = parse_bdf(entry.path().filename().string());
        if (function && function->same_slot(bdf)) card.push_back(*function);
    }
    for (const Bdf& function : card) unplug(function);
}

void KernelTree::rescan() const {
    std::set<Bdf> known;
    for (const auto& entry : fs::directory_iterator(tree_ / "fake/functions")) {
        known.insert(parse_bdf(entry.path().filename().string()).value());
    }
    for (const Bdf& bdf : known) {
        if (!folder(bdf).empty() || fs::exists(tree_ / "fake/unplugged" / bdf.str())) continue;
        FakeFunction function = drawn(bdf);
        function.driver_override.reset();
        if (function.group_after_rescan) function.group = function.group_after_rescan;
        enumerate(function);
        std::ignore = probe(bdf);
    }
}

}  // namespace passthru::fakes
