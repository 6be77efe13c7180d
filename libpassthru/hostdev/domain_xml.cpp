// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/hostdev/domain_xml.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <pugixml.hpp>

namespace passthru {
namespace {

/// libvirt reads these numbers as C does, by their prefix: 0x1f, 017, 15 (virStrToLong_uip with
/// base 0).
std::optional<unsigned> c_number(std::string_view text) {
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    } else if (text.size() > 1 && text.starts_with('0')) {
        base = 8;
        text.remove_prefix(1);
    }
    unsigned value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

Result<Bdf> source_address(pugi::xml_node address) {
    const auto part = [&](const char* name, const char* otherwise) {
        return c_number(address.attribute(name).as_string(otherwise));
    };
    const auto domain = part("domain", "0");
    const auto bus = part("bus", "");
    const auto slot = part("slot", "");
    const auto function = part("function", "0");
    if (!domain || !bus || !slot || !function || *bus > 0xff || *slot > 31 || *function > 7) {
        return fail(
            Errc::InvalidArgs,
            "the domain names a PCI function of the host without a valid bus, slot and function");
    }
    return Bdf{*domain, static_cast<std::uint8_t>(*bus), static_cast<std::uint8_t>(*slot),
               static_cast<std::uint8_t>(*function)};
}

/// A host address in QEMU's spelling, which asks for no number of digits: 01:00.0, 1:0.0,
/// 0000:01:00.0 (hw/core/qdev-properties-system.c:set_pci_host_devaddr).
Result<Bdf> qemu_address(std::string_view text) {
    unsigned parts[4] = {};  // domain, bus, slot, function
    const bool with_domain = std::ranges::count(text, ':') == 2;
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    for (std::size_t part = with_domain ? 0 : 1; part < 4; ++part) {
        const auto [stop, error] = std::from_chars(at, end, parts[part], part == 3 ? 10 : 16);
        const bool stops_well =
            part == 3 ? stop == end : stop != end && *stop == (part == 2 ? '.' : ':');
        if (error != std::errc{} || !stops_well) return parse_bdf(text);
        at = stop + 1;
    }
    if (parts[1] > 0xff || parts[2] > 31 || parts[3] > 7) return parse_bdf(text);
    return Bdf{parts[0], static_cast<std::uint8_t>(parts[1]), static_cast<std::uint8_t>(parts[2]),
               static_cast<std::uint8_t>(parts[3])};
}

/// The name without the prefix of its namespace, which is the user's choice and may be none.
std::string_view local_name(pugi::xml_node node) {
    const std::string_view name = node.name();
    const std::size_t colon = name.rfind(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// The value of `key` in QEMU's `vfio-pci,host=01:00.0,multifunction=on`.
std::optional<std::string> option_of(std::string_view device, std::string_view key) {
    while (!device.empty()) {
        const std::size_t comma = device.find(',');
        const std::string_view item = device.substr(0, comma);
        if (item.size() > key.size() && item.starts_with(key) && item[key.size()] == '=') {
            return std::string(item.substr(key.size() + 1));
        }
        if (comma == std::string_view::npos) break;
        device.remove_prefix(comma + 1);
    }
    return std::nullopt;
}

/// The host's function behind the argument of `-device`, in either of QEMU's two spellings; nothing
/// for other devices.
std::optional<std::string> vfio_address(const std::string& device) {
    std::optional<std::string> host;
    std::optional<std::string> sysfs;
    if (device.starts_with('{')) {
        const auto json = nlohmann::json::parse(device, nullptr, false);
        if (!json.is_object()) return std::nullopt;
        const auto text = [&](const char* key) -> std::optional<std::string> {
            const auto found = json.find(key);
            if (found == json.end() || !found->is_string()) return std::nullopt;
            return found->get<std::string>();
        };
        if (!text("driver").value_or("").starts_with("vfio-pci")) return std::nullopt;
        host = text("host");
        sysfs = text("sysfsdev");
    } else {
        if (!device.starts_with("vfio-pci") && option_of(device, "driver") != "vfio-pci") {
            return std::nullopt;
        }
        host = option_of(device, "host");
        sysfs = option_of(device, "sysfsdev");
    }
    if (host) return host;
    if (!sysfs) return std::nullopt;
    // A mediated device has a UUID there, and is none of ours.
    std::string last = sysfs->substr(sysfs->find_last_of('/') + 1);
    if (!parse_bdf(last)) return std::nullopt;
    return last;
}

class Collector {
public:
    std::optional<Error> collect(pugi::xml_node domain) {
        const pugi::xml_node devices = domain.child("devices");
        for (const pugi::xml_node hostdev : devices.children("hostdev")) {
            if (hostdev.attribute("type").as_string() == std::string_view("pci")) {
                add(source_address(hostdev.child("source").child("address")));
            }
        }
        for (const pugi::xml_node interface : devices.children("interface")) {
            const pugi::xml_node address = interface.child("source").child("address");
            if (interface.attribute("type").as_string() == std::string_view("hostdev") &&
                address.attribute("type").as_string("pci") == std::string_view("pci")) {
                add(source_address(address));
            }
        }
        for (const pugi::xml_node disk : devices.children("disk")) {
            if (disk.attribute("type").as_string() == std::string_view("nvme")) {
                add(source_address(disk.child("source").child("address")));
            }
        }
        command_line(domain);
        return error_;
    }

    std::vector<Bdf> functions;

private:
    void add(const Result<Bdf>& bdf) {
        if (!bdf) {
            if (!error_) error_ = bdf.error();
        } else if (std::ranges::find(functions, *bdf) == functions.end()) {
            functions.push_back(*bdf);
        }
    }

    void command_line(pugi::xml_node domain) {
        for (const pugi::xml_node child : domain.children()) {
            if (local_name(child) != "commandline") continue;
            std::string_view before;
            for (const pugi::xml_node arg : child.children()) {
                if (local_name(arg) != "arg") continue;
                const std::string_view value = arg.attribute("value").as_string();
                if (before == "-device" || before == "--device") {
                    if (const auto address = vfio_address(std::string(value))) {
                        add(qemu_address(*address));
                    }
                }
                before = value;
            }
        }
    }

    std::optional<Error> error_;
};

}  // namespace

Result<DomainRequest> parse_domain_xml(std::string_view xml) {
    if (xml.size() > max_domain_xml) {
        return fail(Errc::InvalidArgs, "the domain XML is longer than 4 MiB");
    }
    pugi::xml_document document;
    const pugi::xml_parse_result parsed = document.load_buffer(xml.data(), xml.size());
    if (!parsed) {
        return fail(Errc::InvalidArgs, fmt::format("the domain XML cannot be read: {} at byte {}",
                                                   parsed.description(), parsed.offset));
    }
    const pugi::xml_node domain = document.child("domain");
    if (!domain) return fail(Errc::InvalidArgs, "the XML is not that of a domain");
    DomainRequest request;
    request.uuid = domain.child_value("uuid");
    request.name = domain.child_value("name");
    if (request.name.empty()) return fail(Errc::InvalidArgs, "the domain has no name");
    Collector collector;
    if (auto error = collector.collect(domain)) return std::unexpected(*error);
    request.functions = std::move(collector.functions);
    return request;
}

}  // namespace passthru
