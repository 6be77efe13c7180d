// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hook_service.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

namespace passthru {
namespace {

/// Waits for several answers and remembers the first failure.
struct Gathering {
    std::size_t open = 0;
    std::optional<Error> failure;
    std::vector<Bdf> succeeded;
    Ring::Answered then;

    void note(const Bdf& set, const Result<void>& result) {
        if (result) {
            succeeded.push_back(set);
        } else if (!failure) {
            failure = result.error();
        }
        if (--open == 0) then(failure ? Result<void>(std::unexpected(*failure)) : Result<void>());
    }
};

/// Does `action` to every set side by side; `then` hears of it when the last one has answered.
template <typename Action>
std::shared_ptr<Gathering> gather(const std::vector<Bdf>& sets, Action action,
                                  Ring::Answered then) {
    auto gathering = std::make_shared<Gathering>();
    gathering->then = std::move(then);
    // One more than there are sets, so that answers which come at once do not end it early.
    gathering->open = sets.size() + 1;
    for (const Bdf& set : sets) {
        action(set, [gathering, set](const Result<void>& result) { gathering->note(set, result); });
    }
    return gathering;
}

void close(const std::shared_ptr<Gathering>& gathering) {
    if (--gathering->open > 0) return;
    gathering->then(gathering->failure ? Result<void>(std::unexpected(*gathering->failure))
                                       : Result<void>());
}

}  // namespace

void HookService::prepare(const DomainRequest& domain, const std::string& client,
                          Answered answered) {
    const auto known = memory_.check(domain, ring_.inventory());
    if (!known) return answered(known);
    const auto sets = sets_of(domain);
    if (!sets) return answered(std::unexpected(sets.error()));
    if (const auto spared = spare_disks(domain); !spared) return answered(spared);
    if (sets->empty()) return answered({});

    const Owner owner{OwnerKind::Domain, domain.uuid, domain.name};
    auto gathering = gather(*sets,
                            [&](const Bdf& set, Answered one) {
                                ring_.detach(set, owner, ring_.wishes_for(set, domain.functions),
                                             client, std::move(one));
                            },
                            {});
    // Set after the gathering exists, since it looks into it for what has to go back.
    gathering->then = [this, answered = std::move(answered), domain, uuid = domain.uuid,
                       it = std::weak_ptr(gathering)](const Result<void>& result) {
        const auto moved = it.lock();
        if (result) {
            if (const auto saved = memory_.remember(domain, ring_.inventory()); !saved) {
                spdlog::warn("domain=\"{}\" its devices could not be remembered: {}", domain.name,
                             saved.error().message);
            }
        }
        if (result || !moved || moved->succeeded.empty()) return answered(result);
        close(gather(
            moved->succeeded,
            [&](const Bdf& set, Answered one) { ring_.reattach(set, uuid, std::move(one)); },
            [answered, error = result.error()](const Result<void>&) {
                answered(std::unexpected(error));
            }));
    };
    close(gathering);
}

void HookService::release(const std::string& uuid, Answered answered) {
    std::vector<Bdf> owned;
    for (const auto& [gpu, entry] : ring_.sets()) {
        const Owner& owner = entry.assignment.owner;
        if (owner.kind == OwnerKind::Domain && owner.id == uuid) owned.push_back(gpu);
    }
    close(gather(
        owned, [&](const Bdf& set, Answered one) { ring_.reattach(set, uuid, std::move(one)); },
        std::move(answered)));
}

std::vector<DoctorFinding> HookService::objections(const DomainRequest& domain) const {
    std::vector<DoctorFinding> result;
    const auto note = [&](const Result<void>& allowed) {
        if (!allowed) result.push_back(objection_to(domain, allowed.error()));
    };
    note(memory_.check(domain, ring_.inventory()));
    note(check_functions(domain, ring_.inventory()));
    note(spare_disks(domain));
    std::vector<DeviceSet> sets;
    for (const auto& [gpu, entry] : ring_.sets()) sets.push_back(entry.set);
    std::ranges::move(findings_of_domain(domain, ring_.inventory(), sets),
                      std::back_inserter(result));
    return result;
}

Result<std::vector<Bdf>> HookService::sets_of(const DomainRequest& domain) const {
    std::vector<Bdf> sets;
    for (const Bdf& function : domain.functions) {
        const auto set = ring_.set_with(function);
        if (set && std::ranges::find(sets, *set) == sets.end()) sets.push_back(*set);
    }
    // Without a GPU it is libvirt's business alone, also to complain.
    if (sets.empty()) return sets;
    if (const auto all = check_functions(domain, ring_.inventory()); !all) {
        return std::unexpected(all.error());
    }
    return sets;
}

/// libvirt takes what a VM lists beside its GPU without asking anybody.
Result<void> HookService::spare_disks(const DomainRequest& domain) const {
    std::vector<Bdf> beside;
    for (const Bdf& bdf : domain.functions) {
        const Function* function = ring_.inventory().find(bdf);
        if (function != nullptr && !function->on_stub() && !ring_.set_with(bdf)) {
            beside.push_back(bdf);
        }
    }
    for (const CriticalUse& use : ring_.critical_uses(beside)) {
        // A network card or a keyboard may be meant to go; a mounted disk never is.
        if (use.kind != CriticalKind::Storage) continue;
        return fail(Errc::HostCritical,
                    fmt::format("{} ({}) {}: {}", use.function.str(),
                                class_name(ring_.inventory().functions.at(use.function).class_code),
                                use.what, use.remedy));
    }
    return {};
}

Result<std::string> read_domain_xml(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return fail(Errc::InvalidArgs, "the domain XML has to come as a file");
    }
    std::string text(max_domain_xml + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got =
            ::pread(fd, text.data() + size, text.size() - size, static_cast<off_t>(size));
        if (got <= 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > max_domain_xml)
        return fail(Errc::InvalidArgs, "the domain XML is longer than 4 MiB");
    text.resize(size);
    return text;
}

}  // namespace passthru
