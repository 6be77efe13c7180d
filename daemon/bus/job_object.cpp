// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/job_object.hpp"

namespace passthru {
namespace {

constexpr const char* job_interface = org::passthru1::Job_adaptor::INTERFACE_NAME;

}  // namespace

JobObject::JobObject(BusConnection& bus, Authority& authority, Requests& requests, JobView view)
    : AdaptorInterfaces(bus.get(), sdbus::ObjectPath{job_path(view.number)}),
      authority_(authority),
      requests_(requests),
      view_(std::move(view)) {
    registerAdaptor();
    getObject().emitInterfacesAddedSignal();
}

JobObject::~JobObject() {
    try {
        getObject().emitInterfacesRemovedSignal();
        // NOLINTNEXTLINE(bugprone-empty-catch)
    } catch (const sdbus::Error&) {
        // The bus is gone, and with it who would listen.
    }
    unregisterAdaptor();
}

void JobObject::update(std::uint32_t step, std::string step_name) {
    view_.step = step;
    view_.step_name = std::move(step_name);
#if PASSTHRU_SDBUS_2
    getObject().emitPropertiesChangedSignal(
        sdbus::InterfaceName{job_interface},
        std::vector{sdbus::PropertyName{"Step"}, sdbus::PropertyName{"StepName"}});
#else
    getObject().emitPropertiesChangedSignal(job_interface, {"Step", "StepName"});
#endif
}

void JobObject::completed(const Result<void>& result) {
    emitCompleted(result.has_value(), result ? std::string() : dbus_name(result.error().code),
                  result ? std::string() : result.error().message);
}

void JobObject::Cancel(sdbus::Result<>&& result, Options options) {
    Reply reply(std::move(result));
    if (const auto known = check_options(options); !known) return reply.give(known);
    authority_.authorize(
        caller_of(getObject()), job_interface, "Cancel", {{"gpu", view_.gpu.str()}},
        [&requests = requests_, number = view_.number,
         reply = std::make_shared<Reply>(std::move(reply))](const Result<Owner>& who) {
            if (!who) return reply->give(std::unexpected(who.error()));
            requests.cancel(number, std::move(*reply));
        });
}

}  // namespace passthru
