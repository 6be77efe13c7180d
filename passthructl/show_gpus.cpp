// SPDX-License-Identifier: LGPL-2.1-or-later
#include "passthructl/show.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sstream>

namespace passthru::ctl {
namespace {

std::string ids_of(const GpuRow& row) {
    return fmt::format("{:04x}:{:04x}", row.vendor_id, row.device_id);
}

std::string name_of(const GpuRow& row) {
    if (!row.model.empty()) return row.model;
    return fmt::format("{} {}", row.own().class_name, ids_of(row));
}

std::vector<Row> cells_of(const std::vector<GpuRow>& rows, std::string (*name)(const GpuRow&)) {
    std::vector<Row> cells;
    for (const GpuRow& row : rows) {
        cells.push_back(
            {row.address,
             {row.state, style_of_state(row.state)},
             owner_text(row.owner),
             row.own().driver.value_or("-"),
             row.iommu_groups.empty() ? "-" : fmt::format("{}", fmt::join(row.iommu_groups, " ")),
             std::to_string(row.functions.size()),
             name(row)});
    }
    return cells;
}

/// Lines `label: value` with the labels flush right, values wrapped below themselves.
class Lines {
public:
    explicit Lines(const Screen& screen) : screen_(screen) {}

    void add(std::string_view label, const std::string& value, Style style = Style::Plain) {
        if (value.empty()) return;
        const std::size_t width = screen_.width > 2 * indent ? screen_.width - indent : 0;
        std::string lead = fmt::format("{:>{}}{} ", label, indent - 2, label.empty() ? " " : ":");
        std::istringstream parts(wrapped(value, width, 0));
        for (std::string part; std::getline(parts, part); lead.assign(indent, ' ')) {
            text += lead + styled(part, style, screen_) + "\n";
        }
    }

    std::string text;

private:
    static constexpr std::size_t indent = 14;
    Screen screen_;
};

std::string time_text(std::uint64_t microseconds) {
    const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
    return fmt::format("{:%F %T}", fmt::localtime(seconds));
}

std::string reset_text(const ResetRow& it) {
    const double seconds = static_cast<double>(it.duration) / 1e6;
    return fmt::format("{}: {}{}{} ({}, {:.1f} s)", it.method, it.result,
                       it.message.empty() ? "" : ", ", it.message, time_text(it.at), seconds);
}

std::string platform_text(const GpuRow& gpu) {
    std::string text = fmt::format("{}, {}", ids_of(gpu), gpu.own().class_name);
    if (gpu.boot_vga) text += ", the computer booted on it";
    if (gpu.numa_node >= 0) text += fmt::format(", NUMA node {}", gpu.numa_node);
    return text;
}

std::string owner_in_full(const OwnerRow& owner) {
    const bool tells_more = !owner.id.empty() && !owner.name.empty();
    return owner_text(owner) + (tells_more ? fmt::format(" ({})", owner.id) : "");
}

/// `8 GT/s, 16 lanes`, and what it could be where that is more.
std::string link_text(const PcieLink& link) {
    const auto text = [](std::uint32_t speed, std::uint32_t width) {
        return fmt::format("{} GT/s, {} lane{}", speed / 1000.0, width, width == 1 ? "" : "s");
    };
    const bool could_more = link.speed < link.speed_max || link.width < link.width_max;
    return text(link.speed, link.width) +
           (could_more ? fmt::format(" (up to {})", text(link.speed_max, link.width_max)) : "");
}

std::string functions_of(const GpuRow& gpu, const Screen& screen) {
    std::vector<Row> rows;
    for (const FunctionRow& it : gpu.functions) {
        rows.push_back({"  " + it.address, it.role, it.driver.value_or("-"),
                        it.iommu_group ? std::to_string(*it.iommu_group) : "-",
                        fmt::format("{:04x}:{:04x}", it.vendor_id, it.device_id), it.class_name});
    }
    return table({"  FUNCTION", "ROLE", "DRIVER", "GROUP", "ID", "CLASS"}, rows, screen);
}

std::string detail_of(const GpuRow& gpu, const Screen& screen) {
    Lines lines(screen);
    lines.add("GPU", gpu.address + (gpu.model.empty() ? "" : " " + gpu.model));
    lines.add("Is", platform_text(gpu));
    lines.add("State", gpu.state, style_of_state(gpu.state));
    if (gpu.owner) lines.add("Owner", owner_in_full(*gpu.owner));
    if (gpu.job) lines.add("Job", job_text(*gpu.job));
    for (const WaiterRow& it : gpu.queue) {
        const bool is_first = &it == &gpu.queue.front();
        lines.add(is_first ? "Waiting" : "",
                  fmt::format("{}, up to {} s", owner_text(it.owner), it.limit));
    }
    if (gpu.power_state != "unknown") lines.add("Power", gpu.power_state);
    if (gpu.link.speed != 0) lines.add("Link", link_text(gpu.link));
    lines.add("IOMMU group", gpu.iommu_groups.empty()
                                 ? "none"
                                 : fmt::format("{}", fmt::join(gpu.iommu_groups, ", ")));
    lines.add("Resets by", gpu.reset_methods.empty()
                               ? "nothing that the kernel offers"
                               : fmt::format("{}", fmt::join(gpu.reset_methods, ", ")));
    for (const ResetRow& it : gpu.last_reset) {
        const bool is_first = &it == &gpu.last_reset.front();
        lines.add(is_first ? "Last reset" : "", reset_text(it));
    }
    if (gpu.last_error) {
        const std::string& name = gpu.last_error->error;
        lines.add("Last error", name.substr(name.rfind('.') + 1) + ": " + gpu.last_error->message);
    }
    return lines.text + functions_of(gpu, screen);
}

constexpr const char* no_gpu = "This computer has no GPU on the PCI bus.\n";

}  // namespace

std::string short_name_of(const GpuRow& row) {
    const std::size_t begin = row.model.rfind('[');
    const bool has_one = begin != std::string::npos && row.model.ends_with(']');
    return has_one ? row.model.substr(begin + 1, row.model.size() - begin - 2) : name_of(row);
}

Style style_of_state(const std::string& state) {
    constexpr std::string_view moving[] = {"detached", "detaching", "resetting", "reattaching",
                                           "mixed"};
    constexpr std::string_view bad[] = {"stuck", "failed", "gone"};
    if (state == "host") return Style::Good;
    if (std::ranges::find(moving, state) != std::end(moving)) return Style::Moving;
    return std::ranges::find(bad, state) != std::end(bad) ? Style::Bad : Style::Plain;
}

std::string owner_text(const std::optional<OwnerRow>& owner) {
    if (!owner) return "?";
    if (owner->kind == "host") return "host";
    return fmt::format("{} {}", owner->kind, owner->name.empty() ? owner->id : owner->name);
}

std::string job_text(const JobRow& job) {
    if (job.kind == "wait") return job.text;
    return fmt::format("{}, step {} of {}{}{}", job.kind, std::min(job.step + 1, job.steps),
                       job.steps, job.text.empty() ? "" : ": ", job.text);
}

std::string to_text(const std::vector<GpuRow>& rows, const Screen& screen) {
    if (rows.empty()) return no_gpu;
    const std::vector<std::string> headings{"GPU",   "STATE", "OWNER", "DRIVER",
                                            "GROUP", "MOVES", "NAME"};
    std::vector<Row> cells = cells_of(rows, name_of);
    if (screen.width > 0 && table_width(headings, cells) > screen.width) {
        cells = cells_of(rows, short_name_of);
    }
    return table(headings, cells, screen);
}

std::string to_text(const Details& details, const Screen& screen) {
    if (details.gpus.empty()) return no_gpu;
    std::string text;
    for (const GpuRow& gpu : details.gpus) {
        text += (text.empty() ? "" : "\n") + detail_of(gpu, screen);
    }
    return text;
}

std::string to_text(const OwnerRow& owner, const Screen&) {
    if (owner.kind == "host") return "host\n";
    return printable(fmt::format("{} {} {}", owner.kind, owner.id, owner.name)) + "\n";
}

}  // namespace passthru::ctl
