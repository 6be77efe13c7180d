// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/plan/record.hpp"

namespace passthru {

FunctionRecord record_of(const Function& function) {
    FunctionRecord record;
    record.bdf = function.bdf;
    record.id = function.id;
    record.driver = function.driver;
    record.driver_override = function.driver_override;
    std::string methods;
    for (const std::string& method : function.reset_methods) {
        methods += (methods.empty() ? "" : " ") + method;
    }
    if (!methods.empty()) record.reset_method = methods;
    record.power_control = function.power_control;
    record.d3cold_allowed = function.d3cold_allowed;
    return record;
}

}  // namespace passthru
