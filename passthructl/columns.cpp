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

Row printable_cells(Row cells) {
    for (Cell& cell : cells) cell.text = printable(cell.text);
    return cells;
}

/// The headings and the rows, ready to be measured and printed.
std::vector<Row> lines_of(const std::vector<std::string>& headings, const std::vector<Row>& rows) {
    std::vector<Row> lines{Row(headings.begin(), headings.end())};
    for (const Row& row : rows) lines.push_back(printable_cells(row));
    return lines;
}

std::vector<std::size_t> widths_of(const std::vector<Row>& lines) {
    std::vector<std::size_t> widths(lines.front().size());
    for (const Row& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            widths[i] = std::max(widths[i], length(line[i].text));
        }
    }
    return widths;
}

constexpr std::size_t gap = 2;

/// One line of a table, without blanks at its end and no longer than the screen is wide.
std::string line_of(Row row, const std::vector<std::size_t>& widths, const Screen& screen) {
    while (!row.empty() && row.back().text.empty()) row.pop_back();
    std::string line;
    std::size_t column = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
        const bool is_last = i + 1 == row.size();
        const std::size_t room = screen.width == 0 ? std::string::npos : screen.width - column;
        const std::size_t taken = length(row[i].text);
        // What comes after a cell that reaches the edge is not seen: a … says that it is there.
        const bool goes_on = !is_last && widths[i] + gap >= room;
        line +=
            styled(goes_on && taken >= room ? cut(row[i].text + " ", room) : cut(row[i].text, room),
                   row[i].style, screen);
        if (is_last || goes_on) break;
        line.append(widths[i] - taken + gap, ' ');
        column += widths[i] + gap;
    }
    return line;
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

std::string cut(const std::string& text, std::size_t width) {
    if (length(text) <= width) return text;
    std::size_t end = 0;
    for (std::size_t seen = 0; end < text.size(); ++end) {
        if ((text[end] & 0xc0) != 0x80 && ++seen >= width) break;
    }
    return text.substr(0, end) + "…";
}

std::string styled(const std::string& text, Style style, const Screen& screen) {
    if (!screen.colour || style == Style::Plain || text.empty()) return text;
    const char* colour = style == Style::Good ? "32" : style == Style::Moving ? "33" : "31";
    return std::string("\x1b[") + colour + "m" + text + "\x1b[0m";
}

std::string table(const std::vector<std::string>& headings, const std::vector<Row>& rows,
                  const Screen& screen) {
    const std::vector<Row> lines = lines_of(headings, rows);
    const std::vector<std::size_t> widths = widths_of(lines);
    std::string text;
    for (const Row& line : lines) text += line_of(line, widths, screen) + "\n";
    return text;
}

std::size_t table_width(const std::vector<std::string>& headings, const std::vector<Row>& rows) {
    std::size_t width = 0;
    for (const std::size_t column : widths_of(lines_of(headings, rows))) width += column + gap;
    return width - std::min(width, gap);
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

std::size_t terminal_width(int descriptor) {
    winsize size{};
    if (::isatty(descriptor) == 0) return 0;
    if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    constexpr std::size_t usual = 80;
    return usual;
}

}  // namespace passthru::ctl
