// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "daemon/bus/authority.hpp"
#include "daemon/bus/door.hpp"
#include "daemon/bus/requests.hpp"
#include "generated/job_adaptor.hpp"

namespace passthru {

/// org.passthru1.Job of one running job.
class JobObject final : public sdbus::AdaptorInterfaces<org::passthru1::Job_adaptor> {
public:
    JobObject(BusConnection& bus, Authority& authority, Requests& requests, JobView view);
    ~JobObject();
    JobObject(const JobObject&) = delete;
    JobObject& operator=(const JobObject&) = delete;

    void update(std::uint32_t step, std::string step_name);
    void completed(const Result<void>& result);

private:
    void Cancel(sdbus::Result<>&& result, Options options) override;

    sdbus::ObjectPath Gpu() override { return sdbus::ObjectPath{gpu_path(view_.gpu)}; }
    std::string Kind() override { return view_.kind; }
    std::uint64_t StartedAt() override { return view_.started_at; }
    std::uint32_t Steps() override { return view_.steps; }
    std::uint32_t Step() override { return view_.step; }
    std::string StepName() override { return view_.step_name; }

    Authority& authority_;
    Requests& requests_;
    JobView view_;
};

}  // namespace passthru
