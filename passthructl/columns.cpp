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

std::vector<std::string> printable_cells(const std::vector<std::string>& cells) {
    std::vector<std::string> result;
    for (const std::string& cell : cells) result.push_back(printable(cell));
    return result;
}

}  // namespace

std::string printable(const std::string& text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // U+0080 to U+009F are orders as well, of two bytes.
        const bool pair =
            byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        result += byte < 0x20 || byte == 0x7f || pair ? '?' : text[i];
        if (pair) ++i;
    }
    return result;
}

std::string table(const std::vector<std::string>& headings,
                  const std::vector<std::vector<std::string>>& rows, std::size_t width) {
    std::vector<std::vector<std::string>> lines{headings};
    for (const auto& row : rows) lines.push_back(printable_cells(row));
    std::vector<std::size_t> widths(headings.size());
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i)
            widths[i] = std::max(widths[i], length(line[i]));
    }
    std::string text;
    for (const auto& row : lines) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - length(row[i]) + 2, ' ');
        }
        while (line.ends_with(' ')) line.pop_back();
        text += (width > 0 ? cut(line, width) : line) + "\n";
    }
    return text;
}

std::string wrapped(const std::string& text, std::size_t width, std::size_t indent) {
    if (width == 0) return printable(text);
    std::istringstream words(text);
    std::string result;
    std::size_t column = 0;
    for (std::string word; words >> word;) {
        word = printable(word);
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
