// SPDX-License-Identifier: GPL-2.0-only
//
// A driver for any PCI function of the lab (by driver_override) that goes wrong when it is told to.

#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched.h>

static bool hang_remove;
module_param(hang_remove, bool, 0644);
MODULE_PARM_DESC(hang_remove, "remove does not come back until this is N");

static bool hang_probe;
module_param(hang_probe, bool, 0644);
MODULE_PARM_DESC(hang_probe, "probe does not come back until this is N");

static int probe_error;
module_param(probe_error, int, 0644);
MODULE_PARM_DESC(probe_error, "what probe fails with, such as 5 for EIO; 0 for success");

/* As drivers do that wait for their clients: uninterruptible, and seen as such. */
static noinline void lab_wait(const bool *hang)
{
	while (READ_ONCE(*hang)) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout(HZ / 5);
	}
}

static int lab_faults_probe(struct pci_dev *dev, const struct pci_device_id *id)
{
	lab_wait(&hang_probe);
	return -probe_error;
}

static void lab_faults_remove(struct pci_dev *dev)
{
	lab_wait(&hang_remove);
}

static struct pci_driver lab_faults = {
	.name = "lab_faults",
	.probe = lab_faults_probe,
	.remove = lab_faults_remove,
};
module_pci_driver(lab_faults);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Faults for the passthrud lab");
