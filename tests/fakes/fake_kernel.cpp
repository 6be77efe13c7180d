// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/fakes/fake_kernel.hpp"

#include "tests/fakes/play_write.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/ranges.h>
#include <fstream>
#include <system_error>
#include <unistd.h>

namespace passthru::fakes {
namespace {

namespace fs = std::filesystem;

/// In memory where that is possible: each replaced file would be flushed to a disk.
fs::path new_folder() {
    const fs::path memory = "/dev/shm";
    const fs::path parent =
        ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
    std::string name = (parent / "fake-kernel-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category());
    return fs::canonical(name);
}

std::vector<std::string> lines(const fs::path& file) {
    std::vector<std::string> result;
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);) result.push_back(line);
    return result;
}

/// Where systemd keeps the processes of a service.
fs::path cgroup_of(const std::string& service) {
    return fs::path("sys/fs/cgroup/system.slice") / service;
}

std::string guest_process(const std::string& group) {
    return std::to_string(4000 + std::stoi(group));
}

/// As the IOMMU's driver names its unit; AMD's platforms have a host bridge of AMD's.
std::string iommu_unit(const World& world) {
    constexpr std::uint16_t amd = 0x1022;
    const bool is_amd =
        std::ranges::any_of(world, [](const FakeFunction& it) { return it.id.vendor == amd; });
    return is_amd ? "ivhd0" : "dmar0";
}

/// Closes the folder. Plain calls: property tests compare thousands of trees.
void dump_folder(int folder, const std::string& name, std::vector<std::string>& all) {
    DIR* const stream = folder < 0 ? nullptr : ::fdopendir(folder);
    if (stream == nullptr) throw std::system_error(errno, std::generic_category(), name);
    std::array<char, 4096> buffer{};
    const auto text = [&](ssize_t length) {
        return std::string_view(buffer.data(),
                                static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    };
    while (const dirent* entry = ::readdir(stream)) {  // NOLINT(concurrency-mt-unsafe)
        const std::string_view part = entry->d_name;
        if (part == "." || part == "..") continue;
        const std::string path = fmt::format("{}/{}", name, part);
        if (entry->d_type == DT_LNK) {
            const ssize_t length =
                ::readlinkat(folder, entry->d_name, buffer.data(), buffer.size());
            all.push_back(fmt::format("{} -> {}", path, text(length)));
            continue;
        }
        const int fd = ::openat(folder, entry->d_name, O_RDONLY | O_CLOEXEC);
        if (entry->d_type == DT_DIR) {
            all.push_back(path + "/");
            dump_folder(fd, path, all);
        } else {
            all.push_back(
                fmt::format("{}: {}", path, text(::read(fd, buffer.data(), buffer.size()))));
            ::close(fd);
        }
    }
    ::closedir(stream);
}

}  // namespace

FakeKernel::FakeKernel(const World& world) : kernel_(new_folder()) {
    for (const char* folder :
         {"fake/tmp", "fake/functions", "fake/faults", "fake/counts", "fake/blocked", "fake/locks",
          "sys/bus/pci/devices", "sys/bus/pci/drivers", "sys/kernel/iommu_groups",
          "sys/class/iommu", "sys/class/vfio", "dev/vfio", "proc"}) {
        fs::create_directories(path() / folder);
    }
    for (const char* file : {"drivers_probe", "rescan"})
        kernel_.put(path() / "sys/bus/pci" / file, "");
    kernel_.load_driver("vfio-pci");
    World ordered = world;
    std::ranges::sort(ordered, {}, &FakeFunction::bdf);
    for (const FakeFunction& function : ordered) kernel_.enumerate(function);
    for (const FakeFunction& function : ordered) {
        for (const std::string& driver : function.matches) kernel_.load_driver(driver);
        if (function.driver) kernel_.attach(function.bdf, *function.driver);
    }
    if (std::ranges::any_of(world, [](const FakeFunction& it) { return it.group.has_value(); })) {
        fs::create_directories(path() / "sys/class/iommu" / iommu_unit(world));
    }
}

FakeKernel::~FakeKernel() {
    std::error_code ignored;
    fs::remove_all(path(), ignored);
}

KernelDoors FakeKernel::doors(const fs::path& tree) {
    KernelDoors doors;
    doors.write = [tree = fs::canonical(tree)](int folder, const char* name,
                                               std::string_view value) {
        return play_write(tree, folder, name, value);
    };
    doors.hot_reset = [](const Root& root, const std::vector<Bdf>& functions) {
        return KernelTree(root.path()).hot_reset(functions);
    };
    doors.sleep = [](const Root& root) -> Result<void> {
        KernelTree(root.path()).sleep();
        return {};
    };
    doors.give_node = [tree = fs::canonical(tree)](const fs::path& node, std::uint32_t user) {
        KernelTree(tree).give_node(node, user);
        return 0;
    };
    doors.stop_service = [tree = fs::canonical(tree)](const std::string& service,
                                                      int) -> Result<void> {
        fs::remove_all(tree / cgroup_of(service));
        return {};
    };
    doors.start_service = [tree = fs::canonical(tree)](const std::string& service) -> Result<void> {
        fs::create_directories(tree / cgroup_of(service));
        KernelTree(tree).put(tree / cgroup_of(service) / "cgroup.events", "populated 1\n");
        return {};
    };
    return doors;
}

void FakeKernel::run_service(const std::string& service) const {
    std::ignore = doors().start_service(service);
}

bool FakeKernel::runs_service(const std::string& service) const {
    return fs::exists(path() / cgroup_of(service));
}

void FakeKernel::plan_fault(std::string_view attribute, const Bdf& bdf, Fault fault,
                            int nth) const {
    const std::string key = write_key(attribute, bdf);
    const std::string count = read_attribute(path() / "fake/counts" / key).value_or("0");
    const std::string when = nth == 0 ? "always" : std::to_string(std::stoi(count) + nth);
    kernel_.put(path() / "fake/faults" / (key + "@" + when),
                std::to_string(static_cast<int>(fault)));
}

void FakeKernel::clear_faults() const {
    fs::remove_all(path() / "fake/faults");
    fs::create_directory(path() / "fake/faults");
}

bool FakeKernel::has_blocked_write() const {
    return !fs::is_empty(path() / "fake/blocked");
}

void FakeKernel::unblock() const {
    for (const auto& entry : fs::directory_iterator(path() / "fake/blocked")) fs::remove(entry);
}

void FakeKernel::lock(const Bdf& bdf) const {
    kernel_.put(kernel_.lock_of(bdf), "");
}

void FakeKernel::unlock(const Bdf& bdf) const {
    fs::remove(kernel_.lock_of(bdf));
}

void FakeKernel::let_everything_go() const {
    // At once, for those as well who are about to stand still.
    fs::rename(path() / "fake/blocked", path() / "fake/let-go");
    for (const char* folder : {"fake/let-go", "fake/locks"}) fs::remove_all(path() / folder);
}

bool FakeKernel::open_by_guest(const Bdf& bdf) const {
    if (!is_stub_driver(driver_of(bdf).value_or("")) || !kernel_.in_the_way(bdf).empty())
        return false;
    kernel_.put(kernel_.folder(bdf) / "enable", "1\n");
    kernel_.put(kernel_.folder(bdf) / "power_state", "D0\n");
    const auto group = read_link_name(kernel_.folder(bdf) / "iommu_group");
    if (!group) return true;
    add_process(std::stoi(guest_process(*group)), "qemu-system-x86", {"/dev/vfio/" + *group});
    return true;
}

void FakeKernel::close_by_guest(const Bdf& bdf) const {
    const fs::path folder = kernel_.folder(bdf);
    if (folder.empty()) return;
    kernel_.put(folder / "power_state", "D3hot\n");
    kernel_.put(folder / "enable", "0\n");
    const auto group = read_link_name(folder / "iommu_group");
    if (group && !kernel_.group_is_owned(bdf)) end_process(std::stoi(guest_process(*group)));
}

void FakeKernel::add_process(pid_t pid, std::string_view command,
                             const std::vector<std::string>& nodes) const {
    const fs::path process = path() / "proc" / std::to_string(pid);
    fs::create_directories(process / "fd");
    kernel_.put(process / "comm", fmt::format("{}\n", command));
    int number = 3;
    for (const std::string& node : nodes) {
        const fs::path fd = process / "fd" / std::to_string(number++);
        fs::remove(fd);
        fs::create_symlink(node, fd);
    }
}

void FakeKernel::end_process(pid_t pid) const {
    fs::remove_all(path() / "proc" / std::to_string(pid));
}

void FakeKernel::unload_driver(std::string_view driver) const {
    fs::remove_all(path() / "sys/bus/pci/drivers" / driver);
}

void FakeKernel::power_off(const Bdf& bdf) const {
    kernel_.put(kernel_.folder(bdf) / "config", std::string(64, '\xff'));
}

void FakeKernel::plan_reset_effect(const Bdf& bdf, std::string_view method,
                                   ResetEffect effect) const {
    const char* word = "heals";
    if (effect == ResetEffect::Dies) word = "dies";
    if (effect == ResetEffect::Sleeps) word = "sleeps";
    fs::create_directories(path() / "fake/reset-effects");
    kernel_.put(path() / "fake/reset-effects" / fmt::format("{}@{}", method, bdf.str()), word);
}

void FakeKernel::offer_device_specific(const Bdf& bdf) const {
    fs::create_directories(path() / "fake/device-specific");
    kernel_.put(path() / "fake/device-specific" / bdf.str(), "");
}

void FakeKernel::move(const Bdf& bdf, std::optional<std::string> driver) const {
    if (driver_of(bdf)) std::ignore = kernel_.unbind(bdf);
    if (driver) kernel_.attach(bdf, *driver);
}

void FakeKernel::put(const fs::path& file, std::string_view text) const {
    fs::create_directories((path() / file).parent_path());
    kernel_.put(path() / file, text);
}

std::string FakeKernel::attribute(const Bdf& bdf, std::string_view name) const {
    return read_attribute(kernel_.folder(bdf) / name).value_or("");
}

std::string FakeKernel::dump() const {
    std::vector<std::string> all;
    for (const char* top : {"sys", "dev"}) {
        const int folder = ::open((path() / top).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dump_folder(folder, std::string("/") + top, all);
    }
    std::ranges::sort(all);
    return fmt::format("{}\n", fmt::join(all, "\n"));
}

std::vector<std::string> FakeKernel::writes() const {
    return lines(path() / "fake/writes");
}

std::uint32_t FakeKernel::user_of(std::string_view node) const {
    const auto user = read_attribute(path() / node.substr(1)).value_or("");
    return user.empty() ? 0 : static_cast<std::uint32_t>(std::stoul(user));
}

std::vector<std::string> FakeKernel::resets() const {
    return lines(path() / "fake/resets");
}

std::vector<std::string> FakeKernel::accidents() const {
    return lines(path() / "fake/accidents");
}

Bdf operator""_bdf(const char* text, std::size_t length) {
    return parse_bdf_or_short({text, length}).value();
}

}  // namespace passthru::fakes
