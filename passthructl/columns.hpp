// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace passthru::ctl {

/// The text with a `?` for each control character: a program may have any name, and a terminal
/// obeys.
[[nodiscard]] std::string printable(const std::string& text);

/// A table as text: a line of headings and a line for each row, columns as wide as their widest
/// cell and two blanks apart. Where it is wider than `width` the last column is cut with `…`; 0
/// cuts nothing. Cells are made printable.
[[nodiscard]] std::string table(const std::vector<std::string>& headings,
                                const std::vector<std::vector<std::string>>& rows,
                                std::size_t width);

/// The text in lines of at most `width` characters, broken between words; all but the first begin
/// with `indent` blanks. 0 breaks nothing. It is made printable.
[[nodiscard]] std::string wrapped(const std::string& text, std::size_t width, std::size_t indent);

/// How wide standard output is: a terminal's columns, 0 for a file or a pipe.
[[nodiscard]] std::size_t output_width();

}  // namespace passthru::ctl
