// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libpassthru/hostdev/domain_xml.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace passthru {
namespace {

std::string domain(std::string_view devices, std::string_view after = "") {
    return fmt::format(
        "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
        "<name>win11</name><uuid>c1a4f3d2-0000-4000-8000-000000000001</uuid>"
        "<devices>{}</devices>{}</domain>",
        devices, after);
}

/// The functions that a domain names, or the name of the error.
std::string functions_of(const std::string& xml) {
    const auto request = parse_domain_xml(xml);
    if (!request) return std::string(errc_name(request.error().code));
    std::string text;
    for (const Bdf& bdf : request->functions) text += (text.empty() ? "" : " ") + bdf.str();
    return text;
}

std::string with_argument(std::string_view argument) {
    return domain("",
                  fmt::format("<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='{}'/>"
                              "</qemu:commandline>",
                              argument));
}

TEST(ADomain, TellsItsNameAndUuid) {
    const auto request = parse_domain_xml(domain(""));
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->name, "win11");
    EXPECT_EQ(request->uuid, "c1a4f3d2-0000-4000-8000-000000000001");
    EXPECT_TRUE(request->functions.empty());
}

TEST(AHostdev, IsReadByItsSourceAndNotByItsAddressInTheGuest) {
    EXPECT_EQ(functions_of(domain(R"(
        <hostdev mode='subsystem' type='pci' managed='yes'>
          <driver name='vfio'/>
          <source><address domain='0x0000' bus='0x0b' slot='0x1f' function='0x3'/></source>
          <rom file='/x.rom'/>
          <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/>
        </hostdev>)")),
              "0000:0b:1f.3");
}

TEST(AHostdev, MayBeWrittenInDecimalOrOctal) {
    EXPECT_EQ(
        functions_of(domain("<hostdev type='pci'><source><address domain='10' bus='16' slot='017' "
                            "function='1'/></source></hostdev>")),
        "000a:10:0f.1");
}

TEST(AHostdev, MayBeInADomainOfFiveDigits) {
    EXPECT_EQ(
        functions_of(domain("<hostdev type='pci'><source><address domain='0x10000' bus='0xe1' "
                            "slot='0x00' function='0x0'/></source></hostdev>")),
        "10000:e1:00.0");
}

TEST(AHostdev, ThatIsNamedTwiceIsListedOnce) {
    constexpr std::string_view one =
        "<hostdev type='pci'><source><address bus='1' slot='0' function='0'/></source></hostdev>";
    EXPECT_EQ(functions_of(domain(fmt::format("{0}{0}", one))), "0000:01:00.0");
}

TEST(AHostdev, ThatIsNoPciFunctionIsIgnored) {
    EXPECT_EQ(functions_of(domain(R"(
        <hostdev mode='subsystem' type='usb'>
          <source><vendor id='0x1'/><product id='0x2'/></source></hostdev>
        <hostdev mode='subsystem' type='mdev' model='vfio-pci'>
          <source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>
        <hostdev mode='subsystem' type='scsi'>
          <source><address bus='0' target='0' unit='0'/></source></hostdev>)")),
              "");
}

TEST(AHostdev, WithAnAddressThatIsNoneRefusesTheDomain) {
    for (const char* address :
         {"", "<address/>", "<address bus='0x100' slot='0' function='0'/>",
          "<address bus='1' slot='32' function='0'/>", "<address bus='1' slot='0' function='8'/>",
          "<address bus='x' slot='0' function='0'/>", "<address bus='1' slot='' function='0'/>",
          "<address bus='-1' slot='0' function='0'/>", "<address bus='08' slot='0' function='0'/>",
          "<address domain='0x100000000' bus='1' slot='0' function='0'/>"}) {
        EXPECT_EQ(functions_of(domain(
                      fmt::format("<hostdev type='pci'><source>{}</source></hostdev>", address))),
                  "InvalidArgs")
            << address;
    }
}

TEST(AnInterfaceOfTypeHostdev, IsReadLikeAHostdev) {
    EXPECT_EQ(functions_of(domain(R"(
        <interface type='hostdev' managed='yes'>
          <source>
            <address type='pci' domain='0x0000' bus='0x03' slot='0x10' function='0x1'/></source>
        </interface>
        <interface type='network'><source network='default'/></interface>)")),
              "0000:03:10.1");
}

TEST(ADiskOfTypeNvme, IsReadLikeAHostdev) {
    EXPECT_EQ(functions_of(domain(R"(
        <disk type='nvme' device='disk'><source type='pci' managed='yes' namespace='1'>
          <address domain='0x0000' bus='0x05' slot='0x00' function='0x0'/></source></disk>
        <disk type='file'><source file='/a.qcow2'/></disk>)")),
              "0000:05:00.0");
}

TEST(QemusCommandLine, IsReadInAllItsSpellings) {
    for (const char* argument :
         {"vfio-pci,host=01:00.0", "vfio-pci,host=0000:01:00.0,multifunction=on",
          "vfio-pci,id=gpu,host=1:0.0", "vfio-pci-nohotplug,host=01:00.0",
          "driver=vfio-pci,host=01:00.0", "host=01:00.0,driver=vfio-pci",
          "vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:01:00.0",
          "{\"driver\":\"vfio-pci\",\"host\":\"0000:01:00.0\"}",
          "{\"driver\":\"vfio-pci\",\"sysfsdev\":\"/sys/bus/pci/devices/0000:01:00.0\"}",
          "{&quot;driver&quot;:&quot;vfio-pci&quot;,&quot;host&quot;:&quot;01:00.0&quot;}"}) {
        EXPECT_EQ(functions_of(with_argument(argument)), "0000:01:00.0") << argument;
    }
}

TEST(QemusCommandLine, MayHaveAnyPrefixForItsNamespace) {
    EXPECT_EQ(
        functions_of(domain(
            "",
            "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>"
            "<q:arg value='--device'/><q:arg value='vfio-pci,host=01:00.0'/></q:commandline>")),
        "0000:01:00.0");
    EXPECT_EQ(functions_of(domain(
                  "",
                  "<commandline xmlns='http://libvirt.org/schemas/domain/qemu/1.0'>"
                  "<arg value='-device'/><arg value='vfio-pci,host=01:00.0'/></commandline>")),
              "0000:01:00.0");
}

TEST(QemusCommandLine, IsIgnoredWhereItIsNotAboutAFunctionOfTheHost) {
    for (const char* argument :
         {"virtio-net-pci,host=01:00.0", "ivshmem-plain,memdev=looking-glass", "vfio-pci",
          "vfio-pci,ghost=01:00.0", "{", "{}", "[]", "{\"driver\":7}",
          "vfio-pci,sysfsdev=/sys/bus/mdev/devices/c2177883-f1bb-47f0-914d-32a22e3a8804"}) {
        EXPECT_EQ(functions_of(with_argument(argument)), "") << argument;
    }
    EXPECT_EQ(functions_of(domain("",
                                  "<qemu:commandline><qemu:arg value='-append'/>"
                                  "<qemu:arg value='vfio-pci,host=01:00.0'/></qemu:commandline>")),
              "");
}

TEST(QemusCommandLine, WithAnAddressThatIsNoneRefusesTheDomain) {
    for (const char* argument :
         {"vfio-pci,host=", "vfio-pci,host=gpu", "vfio-pci,host=01:00", "vfio-pci,host=01:00.8",
          "vfio-pci,host=1:2:3:4.0", "vfio-pci,host=01:20.0"}) {
        EXPECT_EQ(functions_of(with_argument(argument)), "InvalidArgs") << argument;
    }
}

TEST(AHostdevAndTheCommandLine, AreListedInOrderOfAppearanceAndOnce) {
    EXPECT_EQ(
        functions_of(domain(
            "<hostdev type='pci'><source><address bus='6' slot='0' "
            "function='0'/></source></hostdev>",
            "<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='vfio-pci,host=01:00.0'/>"
            "<qemu:arg value='-device'/><qemu:arg "
            "value='vfio-pci,host=06:00.0'/></qemu:commandline>")),
        "0000:06:00.0 0000:01:00.0");
}

TEST(WhatIsNoDomain, IsRefusedAsInvalid) {
    for (const char* xml : {"", "x", "<", "<domain>", "<domain/>", "<domain><name/></domain>",
                            "<network><name>n</name></network>", "<domain><name>a</domain>",
                            "<domain><name>a</name>"}) {
        EXPECT_EQ(functions_of(xml), "InvalidArgs") << xml;
    }
}

TEST(AnEndlessDomain, IsRefusedUnread) {
    EXPECT_EQ(functions_of(domain(std::string(max_domain_xml, ' '))), "InvalidArgs");
}

TEST(ADomainNestedWithoutEnd, DoesNotExhaustTheStack) {
    std::string deep;
    for (int i = 0; i < 500'000; ++i) deep += "<a>";
    EXPECT_EQ(functions_of(deep), "InvalidArgs");
}

}  // namespace
}  // namespace passthru
