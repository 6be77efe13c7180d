// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <vector>

namespace passthru {

/// What came of each of many cases, as a table for people: a row for where it went wrong, a column
/// for how.
class Matrix {
public:
    Matrix(std::string title, std::vector<std::string> columns)
        : title_(std::move(title)), columns_(std::move(columns)) {}

    void add_row(std::string name) { rows_.push_back({std::move(name), {}}); }
    void add_cell(std::string word) { rows_.back().cells.push_back(std::move(word)); }

    [[nodiscard]] std::string text() const {
        std::size_t first = title_.size();
        for (const Row& row : rows_) first = std::max(first, row.name.size());
        std::string text = line(first, title_, columns_);
        for (const Row& row : rows_) text += line(first, row.name, row.cells);
        return text;
    }

private:
    struct Row {
        std::string name;
        std::vector<std::string> cells;
    };

    [[nodiscard]] std::string line(std::size_t first, const std::string& name,
                                   const std::vector<std::string>& cells) const {
        std::string text = fmt::format("{:<{}}", name, first);
        for (std::size_t i = 0; i < cells.size(); ++i) {
            text += fmt::format("  {:<{}}", cells[i], std::max<std::size_t>(columns_[i].size(), 6));
        }
        while (text.ends_with(' ')) text.pop_back();
        return text + "\n";
    }

    std::string title_;
    std::vector<std::string> columns_;
    std::vector<Row> rows_;
};

}  // namespace passthru
