// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The least that anybody can do: the writes of a detach or reattach, without a check, a journal or a way back. What our
// hook takes is compared to it.
//
// Usage: sysfs-writes detach|reattach BDF...

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(const char* file, const char* text) {
    const int fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) {
        perror(file);
        exit(1);
    }
    close(fd);
}

int main(int argc, char** argv) {
    const int detach = argc > 1 && strcmp(argv[1], "detach") == 0;
    for (int i = 2; i < argc; ++i) {
        char file[128];
        snprintf(file, sizeof file, "/sys/bus/pci/devices/%s/driver_override", argv[i]);
        put(file, detach ? "vfio-pci\n" : "\n");
        snprintf(file, sizeof file, "/sys/bus/pci/devices/%s/driver/unbind", argv[i]);
        put(file, argv[i]);
        put("/sys/bus/pci/drivers_probe", argv[i]);
    }
    return 0;
}
