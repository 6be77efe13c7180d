# SPDX-License-Identifier: LGPL-2.1-or-later
# Every library that is linked, in one place: Debian 12 and 13 have all of them.
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(pugixml REQUIRED)
find_package(sdbus-c++ REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(libsystemd REQUIRED IMPORTED_TARGET libsystemd>=252)
pkg_check_modules(libudev REQUIRED IMPORTED_TARGET libudev)
pkg_check_modules(libvirt REQUIRED IMPORTED_TARGET libvirt>=9.0)
find_program(SDBUS_XML2CPP sdbus-c++-xml2cpp REQUIRED)
find_program(SCDOC scdoc REQUIRED)
