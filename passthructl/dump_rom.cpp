// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/answering.hpp"
#include "passthructl/columns.hpp"
#include "passthructl/daemon.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace passthru::ctl {
namespace {

Problem cannot_write(const std::string& file, int errnum) {
    return problem_of(Error{
        Errc::Failed,
        fmt::format("{} cannot be written: {}", file, std::generic_category().message(errnum)),
        errnum});
}

Problem is_there(const std::string& file) {
    return problem_of(
        Error{Errc::InvalidArgs, fmt::format("{} is there already: name another file", file), 0});
}

/// Copies all of `rom` to a new file, and returns its length in bytes.
Answer<off_t> copy(int rom, const std::string& file) {
    struct stat about{};
    if (::fstat(rom, &about) != 0) return std::unexpected(cannot_write(file, errno));
    const int out = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (out < 0) {
        return std::unexpected(errno == EEXIST ? is_there(file) : cannot_write(file, errno));
    }
    int error = 0;
    for (off_t at = 0; at < about.st_size && error == 0;) {
        const ssize_t sent =
            ::sendfile(out, rom, &at, static_cast<std::size_t>(about.st_size - at));
        if (sent <= 0) error = sent < 0 ? errno : EIO;
    }
    if (::close(out) != 0 && error == 0) error = errno;
    if (error == 0) return about.st_size;
    ::unlink(file.c_str());
    return std::unexpected(cannot_write(file, error));
}

}  // namespace

Exit dump_rom(const Common& common, const std::string& gpu, const std::string& file) {
    if (common.root) return complain(common, not_of_a_copy("dump-rom"));
    if (common.bus.host) return complain(common, not_of_a_host("dump-rom"));
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored)) return complain(common, is_there(file));
    auto daemon = Daemon::connect(common.bus);
    if (!daemon) return complain(common, daemon.error());
    const auto path = daemon->find(gpu);
    if (!path) return complain(common, path.error());
    const auto agent = password_agent(common);
    const Bus::Message call = daemon->bus().create({*path, gpu_interface, "DumpRom"});
    sd_bus_message_append(call.get(), "a{sv}", 0);
    const auto rom = daemon->bus().call_patiently(call);
    if (!rom) return complain(common, rom.error());
    const auto length = copy(rom->at(0).get<int>(), file);
    if (!length) return complain(common, length.error());
    if (common.format == Format::Json) {
        fmt::print("{}\n", json_text({{"file", file}, {"bytes", *length}}, 2));
    } else {
        fmt::print("{} bytes are in {}\n", *length, printable(file));
    }
    return Exit::Success;
}

}  // namespace passthru::ctl
