# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Helpers for scenarios, sourced inside the lab. A scenario stops at the first command that fails; expect_* say what
# was expected and what came instead.

# ---- the machine (README.md draws it) ----------------------------------------------------------------------------
# shellcheck disable=SC2034 # for scenarios

BOOT_GPU=0000:00:01.0

CARD1=0000:01:00.0 CARD1_AUDIO=0000:01:00.1
CARD2=0000:02:00.0 CARD2_AUDIO=0000:02:00.1 CARD2_USB=0000:02:00.2
CARD3=0000:03:00.0 CARD3_AUDIO=0000:03:00.1
CARD4=0000:04:00.0 CARD4_PORT=0000:00:13.0
FREE_SLOT=0000:05:00.0 FREE_SLOT_PORT=0000:00:14.0 # root port rp5
CARD6=0000:08:00.0 CARD6_AUDIO=0000:08:00.1 CARD6_BRIDGE=0000:07:00.0
CARD7=0000:09:01.0 CARD7_AUDIO=0000:09:01.1 CARD7_BRIDGE=0000:00:16.0
FOREIGN_NIC=0000:09:02.0 FOREIGN_DISK=0000:09:03.0

# ---- sysfs ---------------------------------------------------------------------------------------------------------

sysfs() { echo "/sys/bus/pci/devices/$1"; }

# The last part of a link's target, or "none". Forks are what is slow in here, so this goes without programs.
link_name() { if [[ -e $1 ]]; then (cd -P "$1" && echo "${PWD##*/}"); else echo none; fi; }

driver_of() { link_name "$(sysfs "$1")/driver"; }
group_of() { link_name "$(sysfs "$1")/iommu_group"; }
override_of() { cat "$(sysfs "$1")/driver_override"; } # "(null)" when there is none
class_of() { cat "$(sysfs "$1")/class"; }
ids_of() { (cd "$(sysfs "$1")" && echo "$(cat vendor):$(cat device)"); }

# All functions in the group of a BDF, one a line; bridges too.
functions_of_group() { (cd "$(sysfs "$1")/iommu_group/devices" && printf '%s\n' *); }

# "BDF driver override" of every function, to be compared before and after.
snapshot_drivers() (
    for dir in /sys/bus/pci/devices/*; do
        driver=none
        read -r override <"$dir/driver_override"
        [[ ! -e $dir/driver ]] || { cd -P "$dir/driver" && driver=${PWD##*/}; }
        echo "${dir##*/} $driver $override"
    done
)

# ---- expectations --------------------------------------------------------------------------------------------------

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

skip() {
    printf 'SKIPPED: %s\n' "$*" >&2
    exit 77
}

# expect DESCRIPTION COMMAND...: the command succeeds.
expect() {
    local what=$1 status=0
    shift
    "$@" || status=$?
    ((status == 0)) || fail "$what: '$*' ended with status $status"
    echo "ok: $what"
}

# expect_fail DESCRIPTION COMMAND...: the command fails; what it said on both streams is then in $OUTPUT.
expect_fail() {
    local what=$1
    shift
    if OUTPUT=$("$@" 2>&1); then
        fail "$what: '$*' succeeded and said: $OUTPUT"
    fi
    echo "ok: $what"
}

# expect_eq DESCRIPTION ACTUAL EXPECTED
expect_eq() {
    [[ $2 == "$3" ]] || fail "$1:
$(diff --label expected --label actual -u <(printf '%s\n' "$3") <(printf '%s\n' "$2"))"
    echo "ok: $1"
}

# expect_contains DESCRIPTION TEXT PART
expect_contains() {
    [[ $2 == *"$3"* ]] || fail "$1: '$3' is not in '$2'"
    echo "ok: $1"
}

# expect_drivers DESCRIPTION DRIVER BDF...: each function is bound to that driver.
expect_drivers() {
    local what=$1 driver=$2 bdf
    shift 2
    for bdf; do
        expect_eq "$what: $bdf" "$(driver_of "$bdf")" "$driver"
    done
}

# wait_until SECONDS COMMAND...: polls until the command succeeds; fails when it does not in time.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.2
    done
}

# ---- virtual machines ----------------------------------------------------------------------------------------------

# vm_define NAME [--managed yes|no] [--disk PATH] [--unconfined] BDF...
#
# A VM with these host functions. Without --disk it boots the lab's boot sector, which obeys the power button.
# --unconfined leaves out its AppArmor profile, which takes eight seconds to compile here, at each start.
vm_define() {
    local name=$1 managed=yes disk='' bdf slot=16 hostdevs='' label=''
    shift
    while [[ ${1:-} == --* ]]; do
        case $1 in
            --managed) managed=$2 ;;
            --disk) disk=$2 ;;
            --unconfined) label="<seclabel type='none' model='apparmor'/>" && shift && continue ;;
            *) fail "vm_define: unknown option $1" ;;
        esac
        shift 2
    done
    if [[ ! $disk ]]; then
        disk=/var/lib/libvirt/images/$name.img
        cp /usr/share/passthru-lab/power-button.img "$disk"
    fi
    for bdf; do
        [[ $bdf =~ ^(.*):(.*):(.*)\.(.*)$ ]] || fail "vm_define: $bdf is no BDF"
        hostdevs+="
    <hostdev mode='subsystem' type='pci' managed='$managed'>
      <source>
        <address domain='0x${BASH_REMATCH[1]}' bus='0x${BASH_REMATCH[2]}' slot='0x${BASH_REMATCH[3]}' function='0x${BASH_REMATCH[4]}'/>
      </source>
      <rom bar='off'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='$(printf 0x%02x $slot)' function='0x0'/>
    </hostdev>"
        slot=$((slot + 1))
    done
    virsh -q define /dev/stdin <<END
<domain type='qemu'>
  <name>$name</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$disk'/>
      <target dev='hda' bus='ide'/>
    </disk>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>$hostdevs
  </devices>
  $label
</domain>
END
}

vm_state() { virsh -q domstate "$1" 2>/dev/null; }
vm_is_off() { [[ $(vm_state "$1") == 'shut off' ]]; }

# Presses the power button until the VM is off: its boot sector listens only once the firmware is done.
vm_shutdown() {
    local end=$((SECONDS + 60))
    until vm_is_off "$1"; do
        ((SECONDS < end)) || fail "$1 does not react to the power button"
        virsh -q shutdown "$1" 2>/dev/null || true
        wait_until 3 vm_is_off "$1" || true
    done
}

vm_undefine() {
    vm_is_off "$1" || virsh -q destroy "$1" || true
    virsh -q undefine "$1"
}

# ---- a driver that goes wrong --------------------------------------------------------------------------------------

# What it does wrong is written to the files in there.
LAB_FAULTS=/sys/module/lab_faults/parameters

# with_lab_driver BDF: the host's driver of this function is the one that goes wrong.
with_lab_driver() {
    [[ -e $LAB_FAULTS ]] || insmod /usr/share/passthru-lab/lab_faults.ko
    echo lab_faults >"$(sysfs "$1")/driver_override"
    [[ ! -e $(sysfs "$1")/driver ]] || echo "$1" >"$(sysfs "$1")/driver/unbind"
    echo "$1" >/sys/bus/pci/drivers_probe
    expect_eq "the driver of $1" "$(driver_of "$1")" lab_faults
}

lab_driver_hangs() { grep -qs lab_ /proc/[0-9]*/wchan; }

# ---- passthrud -----------------------------------------------------------------------------------------------------

gpu_path() { local bdf=${1//[:.]/_}; echo "/org/passthru1/gpu/$bdf"; }

# The answer of GetOwner for any function of a device set: "domain UUID NAME", "host".
owner_of() {
    local answer
    answer=$(busctl --json=short call org.passthru1 /org/passthru1 org.passthru1.Manager GetOwner s "$1")
    answer=${answer#*\[} answer=${answer%]*}
    answer=${answer//\"/}
    answer=${answer//,/ }
    echo "${answer%"${answer##*[! ]}"}"
}

# gpu_property BDF NAME: as busctl prints it.
gpu_property() { busctl get-property org.passthru1 "$(gpu_path "$1")" org.passthru1.Gpu "$2"; }
state_of() { local it; it=$(gpu_property "$1" State); it=${it#s \"}; echo "${it%\"}"; }
state_is() { [[ $(state_of "$1") == "$2" ]]; }

# gpu_call BDF METHOD: Detach or Reattach without options, and without leave to ask for a password.
gpu_call() { gdbus call --system --timeout 120 -d org.passthru1 -o "$(gpu_path "$1")" -m "org.passthru1.Gpu.$2" '@a{sv} {}'; }

# The DRM node of a GPU: /dev/dri/card1.
drm_node_of() { (cd "$(sysfs "$1")/drm" && set -- card? && echo "/dev/dri/$1"); }

daemon_pid() { systemctl show -P MainPID passthrud.service; }
drivers_are() { [[ $(snapshot_drivers) == "$1" ]]; }

# ---- the machine around the lab ------------------------------------------------------------------------------------

# lab_qmp JSON: sends one QMP command to the QEMU that runs this machine and prints its answer.
#
# Example: lab_qmp '{"execute": "device_del", "arguments": {"id": "card4"}}'
lab_qmp() {
    local port line id=lab-$RANDOM$RANDOM status=1
    exec {port}<>/dev/virtio-ports/lab.qmp
    # Being asked twice to begin is an error that does no harm.
    printf '%s\n' '{"execute": "qmp_capabilities", "id": "begin"}' "${1%\}}, \"id\": \"$id\"}" >&"$port"
    while read -r -t 30 -u "$port" line; do
        if [[ $line == *"\"$id\""* ]]; then
            printf '%s\n' "${line%$'\r'}"
            [[ $line == *'"error": '* ]] || status=0
            break
        fi
    done
    exec {port}>&-
    return $status
}

# Whether the hotplug driver is done with what was in the free slot: the power indicator goes off last. A device that
# comes earlier, in the second after the power went off, is overlooked (remove_board in drivers/pci/hotplug/pciehp_ctrl.c).
free_slot_is_off() {
    local control
    [[ ! -e $(sysfs "$FREE_SLOT") ]] && control=$(setpci -s "$FREE_SLOT_PORT" CAP_EXP+18.W) && (((16#$control >> 8 & 3) == 3))
}

# ---- people --------------------------------------------------------------------------------------------------------

# as_user USER COMMAND...: alice may do nothing special, virtuser is in the group libvirt.
as_user() {
    local user=$1
    shift
    runuser -u "$user" -- env -C "/home/$user" HOME="/home/$user" "$@"
}

# ---- the next boot ---------------------------------------------------------------------------------------------------

# Ends this run of the scenario; it is run anew, with $LAB_BOOT one higher, after the machine was shut down and booted. /run
# and /tmp are empty then.
boot_anew() { exit 76; }

# ---- for scripts/lab -----------------------------------------------------------------------------------------------

scenario_begin() {
    set -Eeuo pipefail
    trap 'printf "FAILED: %s line %s: %s\n" "${BASH_SOURCE[0]##*/}" "$LINENO" "$BASH_COMMAND" >&2' ERR
}
