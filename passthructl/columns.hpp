// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace passthru::ctl {

/// Where text goes to.
struct Screen {
    std::size_t width = 0;  ///< columns; 0 for a file or a pipe, which cut nothing
    bool colour = false;
};

enum class Style { Plain, Good, Moving, Bad };

struct Cell {
    // NOLINTNEXTLINE(google-explicit-constructor): most cells are plain text
    Cell(const char* its_text) : text(its_text) {}
    // NOLINTNEXTLINE(google-explicit-constructor)
    Cell(std::string its_text, Style its_style = Style::Plain)
        : text(std::move(its_text)), style(its_style) {}

    std::string text;
    Style style = Style::Plain;
};
using Row = std::vector<Cell>;

/// The text with a `?` for each control character: a program may have any name, and a terminal
/// obeys.
[[nodiscard]] std::string printable(const std::string& text);

/// The text in the style's colour, where the screen has colours.
[[nodiscard]] std::string styled(const std::string& text, Style style, const Screen& screen);

/// A table as text: a line of headings and a line for each row, columns as wide as their widest
/// cell and two blanks apart. Where it is wider than the screen the last columns are cut with `…`.
/// Cells are made printable.
[[nodiscard]] std::string table(const std::vector<std::string>& headings,
                                const std::vector<Row>& rows, const Screen& screen);

/// How wide such a table is when nothing is cut.
[[nodiscard]] std::size_t table_width(const std::vector<std::string>& headings,
                                      const std::vector<Row>& rows);

/// The text in lines of at most `width` characters, broken between words; all but the first begin
/// with `indent` blanks. 0 breaks nothing. It is made printable.
[[nodiscard]] std::string wrapped(const std::string& text, std::size_t width, std::size_t indent);

/// The text, cut with `…` where it has more characters than `width`.
[[nodiscard]] std::string cut(const std::string& text, std::size_t width);

/// How wide a terminal is: its columns, 0 for a file or a pipe.
[[nodiscard]] std::size_t terminal_width(int descriptor);

}  // namespace passthru::ctl
