// SPDX-License-Identifier: GPL-2.0-only
//
// A reset of its own for one function of the lab, as vendor-reset gives one to some cards, and functions that stop
// answering. What is asked for by name here is a parameter in /sys/module/lab_reset/parameters.

#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/syscore_ops.h>

static char function[32];
module_param_string(function, function, sizeof(function), 0644);
MODULE_PARM_DESC(function, "whose `device_specific` reset this is, such as 0000:01:00.0");

static int error;
module_param(error, int, 0644);
MODULE_PARM_DESC(error, "what that reset fails with, such as 5 for EIO; 0 for success");

static bool hang;
module_param(hang, bool, 0644);
MODULE_PARM_DESC(hang, "that reset does not come back until this is N");

static bool to_sleep;
module_param(to_sleep, bool, 0644);
MODULE_PARM_DESC(to_sleep, "that reset leaves the function in D3hot");

static bool to_death;
module_param(to_death, bool, 0644);
MODULE_PARM_DESC(to_death, "after that reset the function does not answer any more");

static bool heals;
module_param(heals, bool, 0644);
MODULE_PARM_DESC(heals, "that reset brings the function back that does not answer");

static bool until_sleep;
module_param(until_sleep, bool, 0644);
MODULE_PARM_DESC(until_sleep, "nothing but a sleep of the computer brings the function back that does not answer");

static int count;
module_param(count, int, 0644);
MODULE_PARM_DESC(count, "how often that reset was asked for");

/* A function that does not answer: its config space reads as all ones until it is removed, or reset by
 * `heals`, or the computer has slept.
 */
static struct {
	struct pci_bus *bus;
	unsigned int devfn;
	struct pci_ops *ops;
} dead;

static int dead_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *value)
{
	if (devfn == dead.devfn) {
		*value = ~0;
		return PCIBIOS_DEVICE_NOT_FOUND;
	}
	return dead.ops->read(bus, devfn, where, size, value);
}

static int dead_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	return devfn == dead.devfn ? PCIBIOS_DEVICE_NOT_FOUND :
				     dead.ops->write(bus, devfn, where, size, value);
}

static struct pci_ops dead_ops = { .read = dead_read, .write = dead_write };

static void revive(void)
{
	if (!dead.bus)
		return;
	pci_bus_set_ops(dead.bus, dead.ops);
	dead.bus = NULL;
}

static void kill_function(struct pci_dev *dev)
{
	revive();
	dead.bus = dev->bus;
	dead.devfn = dev->devfn;
	dead.ops = dev->bus->ops;
	dead_ops.map_bus = dead.ops->map_bus;
	pci_bus_set_ops(dev->bus, &dead_ops);
}

static int set_dead(const char *text, const struct kernel_param *param)
{
	unsigned int domain, bus, slot, number;
	struct pci_dev *dev;

	if (sscanf(text, "%x:%x:%x.%x", &domain, &bus, &slot, &number) != 4) {
		revive();
		return 0;
	}
	dev = pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(slot, number));
	if (!dev)
		return -ENODEV;
	kill_function(dev);
	pci_dev_put(dev);
	return 0;
}

static const struct kernel_param_ops dead_param = { .set = set_dead };
module_param_cb(dead, &dead_param, NULL, 0200);
MODULE_PARM_DESC(dead, "this function does not answer from now on; anything else ends that");

/* Takes the place of drivers/pci/quirks.c:pci_dev_specific_reset, which knows no function of the lab. */
static int lab_specific_reset(struct pci_dev *dev, bool probe)
{
	if (strcmp(pci_name(dev), function))
		return -ENOTTY;
	if (probe)
		return 0;
	count++;
	while (READ_ONCE(hang)) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_timeout(HZ / 5);
	}
	if (error)
		return -error;
	if (heals)
		revive();
	msleep(10);
	if (to_sleep)
		pci_set_power_state(dev, PCI_D3hot);
	if (to_death)
		kill_function(dev);
	return 0;
}

static int instead(struct kprobe *probe, struct pt_regs *regs)
{
	regs->ip = (unsigned long)lab_specific_reset;
	return 1;
}

/* Only with one may the probed function be replaced where it is traced (arch/x86/kernel/kprobes/ftrace.c). */
static void never(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.symbol_name = "pci_dev_specific_reset",
	.pre_handler = instead,
	.post_handler = never,
};

static int on_change(struct notifier_block *block, unsigned long action, void *data)
{
	struct pci_dev *dev = to_pci_dev(data);

	if (!until_sleep && action == BUS_NOTIFY_DEL_DEVICE && dev->bus == dead.bus && dev->devfn == dead.devfn)
		revive();
	return NOTIFY_OK;
}

static struct notifier_block changes = { .notifier_call = on_change };

/* A sleep in RAM takes the power from the cards. */
#ifdef SYSCORE_HAS_DATA
static void after_sleep(void *data)
{
	revive();
}
static const struct syscore_ops sleep_ops = { .resume = after_sleep };
static struct syscore after = { .ops = &sleep_ops };
#define watch_sleep() register_syscore(&after)
#define unwatch_sleep() unregister_syscore(&after)
#else
static struct syscore_ops sleep_ops = { .resume = revive };
#define watch_sleep() register_syscore_ops(&sleep_ops)
#define unwatch_sleep() unregister_syscore_ops(&sleep_ops)
#endif

static int __init lab_reset_init(void)
{
	int result = register_kprobe(&probe);

	if (result)
		return result;
	watch_sleep();
	return bus_register_notifier(&pci_bus_type, &changes);
}

static void __exit lab_reset_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &changes);
	unwatch_sleep();
	unregister_kprobe(&probe);
	revive();
}

module_init(lab_reset_init);
module_exit(lab_reset_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Resets for the passthrud lab");
