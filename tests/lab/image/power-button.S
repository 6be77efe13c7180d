# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A whole operating system for the lab's nested VMs, in one boot sector: it waits for the ACPI power button and turns
# the machine off. So `virsh start` and `virsh shutdown` work within a second, even under emulation in emulation.
#
# SeaBIOS puts the ACPI power management registers of QEMU's pc and q35 machines at 0x600.

        .set    PM1_STS, 0x600          # bit 8: the power button was pressed
        .set    PM1_EN,  0x602          # bit 8: tell about the power button
        .set    PM1_CNT, 0x604          # bit 13: enter the sleep type in bits 10-12, where QEMU's 0 means off
        .set    POWER_BUTTON, 1 << 8
        .set    POWER_OFF, 1 << 13

        .code16
        .globl  _start
_start:
        mov     $PM1_EN, %dx
        mov     $POWER_BUTTON, %ax
        out     %ax, %dx
        sti
wait:
        hlt                             # until the BIOS timer, 18 times a second: an idle VM costs nothing
        mov     $PM1_STS, %dx
        in      %dx, %ax
        test    $POWER_BUTTON, %ax
        jz      wait
        mov     $PM1_CNT, %dx
        mov     $POWER_OFF, %ax
        out     %ax, %dx
        jmp     wait

        .org    510
        .word   0xaa55                  # what makes it a boot sector
