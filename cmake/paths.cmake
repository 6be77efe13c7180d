# SPDX-License-Identifier: LGPL-2.1-or-later
# Where things go. Nothing is assumed to be in /usr: each of these is an option of the build.
set(PASSTHRU_LIBEXECDIR "${CMAKE_INSTALL_LIBEXECDIR}/passthru" CACHE STRING "Folder of passthru-worker")
set(PASSTHRU_UNITDIR "lib/systemd/system" CACHE STRING "Folder of systemd's system units")
set(PASSTHRU_CATALOGDIR "lib/systemd/catalog" CACHE STRING "Folder of the journal's catalogs")
set(PASSTHRU_SYSUSERSDIR "lib/sysusers.d" CACHE STRING "Folder of systemd-sysusers")
set(PASSTHRU_DBUSDIR "${CMAKE_INSTALL_DATADIR}/dbus-1" CACHE STRING "Folder of D-Bus's policy, activation and interfaces")
set(PASSTHRU_POLKITDIR "${CMAKE_INSTALL_DATADIR}/polkit-1" CACHE STRING "Folder of polkit's actions and rules")
set(PASSTHRU_HOOKDIR "${CMAKE_INSTALL_FULL_SYSCONFDIR}/libvirt/hooks" CACHE STRING "libvirt's folder of hooks")
set(PASSTHRU_QUIRKSDIR "${CMAKE_INSTALL_DATADIR}/passthrud/quirks.d" CACHE STRING "Folder of what is shipped about single cards")
set(PASSTHRU_BASHCOMPLETIONDIR "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" CACHE STRING "Folder of bash's completions")
set(PASSTHRU_ZSHCOMPLETIONDIR "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" CACHE STRING "Folder of zsh's completions")
set(PASSTHRU_FISHCOMPLETIONDIR "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" CACHE STRING "Folder of fish's completions")
set(PASSTHRU_PKGCONFIGDIR "${CMAKE_INSTALL_DATADIR}/pkgconfig" CACHE STRING "Folder of pkg-config's files")
set(PASSTHRU_WORKER_SOCKET "/run/passthru-worker.sock" CACHE STRING "Where systemd listens for passthrud and starts a worker")

# Where the programs are once they are installed.
set(PASSTHRU_DAEMON_PATH "${CMAKE_INSTALL_FULL_LIBEXECDIR}/passthrud")
cmake_path(ABSOLUTE_PATH PASSTHRU_LIBEXECDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} NORMALIZE
           OUTPUT_VARIABLE PASSTHRU_WORKER_PATH)
cmake_path(APPEND PASSTHRU_WORKER_PATH "passthru-worker")
cmake_path(ABSOLUTE_PATH PASSTHRU_QUIRKSDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} NORMALIZE
           OUTPUT_VARIABLE PASSTHRU_QUIRKS_PATH)
