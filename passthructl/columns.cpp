// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/columns.hpp"

#include <algorithm>
#include <sstream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace passthru::ctl {
namespace {

/// Characters, not bytes: each byte that does not continue a character of UTF-8.
std::size_t length(const std::string& text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string cut(const std::string& text, std::size_t width) {
    if (length(text) <= width) return text;
    std::size_t end = 0;
    for (std::size_t seen = 0; end < text.size(); ++end) {
        if ((text[end] & 0xc0) != 0x80 && ++seen >= width) break;
    }
    return text.substr(0, end) + "…";
}

}  // namespace

std::string table(const std::vector<std::string>& headings,
                  const std::vector<std::vector<std::string>>& rows, std::size_t width) {
    std::vector<std::size_t> widths;
    for (const std::string& heading : headings) widths.push_back(length(heading));
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], length(row[i]));
    }
    std::string text;
    const auto add = [&](const std::vector<std::string>& row) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - length(row[i]) + 2, ' ');
        }
        while (line.ends_with(' ')) line.pop_back();
        text += (width > 0 ? cut(line, width) : line) + "\n";
    };
    add(headings);
    for (const auto& row : rows) add(row);
    return text;
}

std::string wrapped(const std::string& text, std::size_t width, std::size_t indent) {
    if (width == 0) return text;
    std::istringstream words(text);
    std::string result;
    std::size_t column = 0;
    for (std::string word; words >> word;) {
        if (column > 0 && column + 1 + length(word) > width) {
            result += "\n" + std::string(indent, ' ');
            column = indent;
        } else if (column > 0) {
            result += ' ';
            ++column;
        }
        result += word;
        column += length(word);
    }
    return result;
}

std::size_t output_width() {
    winsize size{};
    if (::isatty(STDOUT_FILENO) == 0) return 0;
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    constexpr std::size_t usual = 80;
    return usual;
}

}  // namespace passthru::ctl
