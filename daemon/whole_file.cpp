// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/whole_file.hpp"

#include "daemon/loop/unique_fd.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace passthru {
namespace {

namespace fs = std::filesystem;

Result<void> write_whole(const fs::path& file, const std::string& text) {
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd) return fail(Errc::Failed, std::strerror(errno), errno);
    std::string_view rest = text;
    while (!rest.empty()) {
        const ssize_t written = ::write(fd.get(), rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail(Errc::Failed, std::strerror(errno), errno);
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(fd.get()) != 0) return fail(Errc::Failed, std::strerror(errno), errno);
    return {};
}

}  // namespace

Result<void> replace_file(const fs::path& file, const std::string& text) {
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    const fs::path fresh = file.string() + ".new";
    if (auto written = write_whole(fresh, text); !written) return written;
    fs::rename(fresh, file, error);
    if (error) return fail(Errc::Failed, error.message(), error.value());
    return {};
}

}  // namespace passthru
