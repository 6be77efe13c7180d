// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/config/config.hpp"
#include "libpassthru/safety/services.hpp"
#include "tests/fuzz/require.hpp"

#include <cstddef>
#include <cstdint>

/// A configuration is read, or its first mistake is named with its place; a policy stays within its
/// limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace passthru;
    using fuzz::require;
    ReadConfig read;
    const auto result =
        read_config_text({reinterpret_cast<const char*>(data), size}, "passthrud.conf", read);
    require(result || (result.error().code == Errc::InvalidArgs &&
                       result.error().message.starts_with("passthrud.conf:")),
            "a mistake is named with its place");
    Inventory inventory;
    Function gpu;
    gpu.bdf = {0, 1, 0, 0};
    gpu.id = {0x10de, 0x2489};
    gpu.class_code = 0x1200;
    inventory.functions[gpu.bdf] = gpu;
    const GpuPolicy policy = read.config.policy_for(gpu);
    require(policy.wait >= std::chrono::seconds(0) && policy.wait <= max_wait,
            "the wait is bounded");
    read.config.choose_gpus(inventory);
    require(inventory.asked_for.size() <= 1, "there is one accelerator");
    for (const std::string& it : policy.stop_services) {
        require(is_service_name(it), "what is stopped is a service");
    }
    return 0;
}
