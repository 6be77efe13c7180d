# SPDX-License-Identifier: LGPL-2.1-or-later
# Compiles through ccache where it is installed and nobody chose a launcher.
find_program(PASSTHRU_CCACHE ccache)
mark_as_advanced(PASSTHRU_CCACHE)
if(PASSTHRU_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${PASSTHRU_CCACHE}")
endif()
