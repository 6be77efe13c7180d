// SPDX-License-Identifier: LGPL-2.1-or-later
// What sdbus-c++ itself costs: the objects of passthrud, generated from the same XML, with values
// that are always the same and methods that do nothing. Usage: bare-server NUMBER-OF-GPUS
#include "generated/gpu_adaptor.hpp"
#include "generated/manager_adaptor.hpp"

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

using Options = std::map<std::string, sdbus::Variant>;

#if PASSTHRU_SDBUS_2
using Name = sdbus::ServiceName;
#else
using Name = std::string;
#endif

class Manager final : public sdbus::AdaptorInterfaces<org::passthru1::Manager_adaptor,
                                                      sdbus::ObjectManager_adaptor> {
public:
    explicit Manager(sdbus::IConnection& bus)
        : AdaptorInterfaces(bus, sdbus::ObjectPath{"/org/passthru1"}) {
        registerAdaptor();
    }
    ~Manager() { unregisterAdaptor(); }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

private:
    std::tuple<std::string, std::string, std::string> GetOwner(const std::string&) override {
        return {"host", "", ""};
    }
    sdbus::ObjectPath FindGpu(const std::string&) override { return sdbus::ObjectPath{"/"}; }
    void Rescan(const Options&) override {}
    void Diagnose(sdbus::Result<std::vector<Options>>&& result, Options) override {
        result.returnResults({});
    }
    void ForgetDomain(sdbus::Result<>&& result, std::string, Options) override {
        result.returnResults();
    }
    std::string Version() override { return "0"; }
    std::string IommuKind() override { return "intel"; }
    std::string LibvirtState() override { return "connected"; }
    bool HookInstalled() override { return true; }
};

class Gpu final : public sdbus::AdaptorInterfaces<org::passthru1::Gpu_adaptor> {
public:
    Gpu(sdbus::IConnection& bus, int number)
        : AdaptorInterfaces(bus,
                            sdbus::ObjectPath{"/org/passthru1/gpu/card" + std::to_string(number)}) {
        registerAdaptor();
        getObject().emitInterfacesAddedSignal();
    }
    ~Gpu() { unregisterAdaptor(); }
    Gpu(const Gpu&) = delete;
    Gpu& operator=(const Gpu&) = delete;

private:
    void Detach(sdbus::Result<>&& result, Options) override { result.returnResults(); }
    void Reattach(sdbus::Result<>&& result, Options) override { result.returnResults(); }
    void Reset(sdbus::Result<>&& result, Options) override { result.returnResults(); }
    void Lease(sdbus::Result<sdbus::UnixFd, std::vector<std::string>>&& result, std::string,
               std::string, Options) override {
        result.returnResults(sdbus::UnixFd{1}, {});
    }
    void DumpRom(sdbus::Result<sdbus::UnixFd>&& result, Options) override {
        result.returnResults(sdbus::UnixFd{1});
    }
    void Plan(sdbus::Result<std::vector<Options>>&& result, std::string, Options) override {
        result.returnResults({});
    }
    void ListHolders(sdbus::Result<std::vector<Options>>&& result, Options) override {
        result.returnResults({});
    }

    std::string Address() override { return "0000:01:00.0"; }
    std::uint16_t VendorId() override { return 0x10de; }
    std::uint16_t DeviceId() override { return 0x2489; }
    std::string Vendor() override { return ""; }
    std::string Model() override { return ""; }
    std::int32_t NumaNode() override { return -1; }
    bool BootVga() override { return false; }
    std::vector<std::uint32_t> IommuGroups() override { return {1}; }
    std::string State() override { return "host"; }
    sdbus::Struct<std::string, std::string, std::string> Owner() override {
        return {"host", "", ""};
    }
    std::vector<Options> Functions() override { return {function("gpu"), function("companion")}; }
    std::vector<std::string> ResetMethods() override { return {"flr", "bus"}; }
    std::vector<Options> LastReset() override { return {}; }
    sdbus::Struct<std::string, std::string> LastError() override { return {"", ""}; }
    sdbus::ObjectPath Job() override { return sdbus::ObjectPath{"/"}; }
    std::vector<Options> Queue() override { return {}; }
    std::string PowerState() override { return "D0"; }
    std::uint32_t LinkSpeed() override { return 8000; }
    std::uint32_t LinkSpeedMax() override { return 16000; }
    std::uint32_t LinkWidth() override { return 16; }
    std::uint32_t LinkWidthMax() override { return 16; }

    static Options function(const std::string& role) {
        return {
            {"address", sdbus::Variant{std::string("0000:01:00.0")}},
            {"class", sdbus::Variant{std::uint32_t{0x0300}}},
            {"class-name", sdbus::Variant{std::string("VGA controller")}},
            {"vendor-id", sdbus::Variant{std::uint16_t{0x10de}}},
            {"device-id", sdbus::Variant{std::uint16_t{0x2489}}},
            {"role", sdbus::Variant{role}},
            {"driver", sdbus::Variant{std::string("nouveau")}},
            {"iommu-group", sdbus::Variant{std::uint32_t{1}}},
        };
    }
};

}  // namespace

int main(int, char** arguments) {
    const auto bus = sdbus::createSystemBusConnection();
    const Manager manager(*bus);
    std::vector<std::unique_ptr<Gpu>> gpus;
    for (int i = 0; i < std::atoi(arguments[1]); ++i)
        gpus.push_back(std::make_unique<Gpu>(*bus, i));
    bus->requestName(Name{"org.passthru1"});
    bus->enterEventLoop();
}
