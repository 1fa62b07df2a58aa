// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * One mistake of each kind that the `sanitized` guest exists to report. Its
 * self-test loads this once per kind: a guest that stays silent is broken.
 * OPTIMIZER_HIDE_VAR() is there lest the compiler see what is coming.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *kind = "";
module_param(kind, charp, 0);
MODULE_PARM_DESC(kind, "use-after-free, leak, lock-order, sleep-in-atomic, out-of-bounds or warning");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spinning);
static int numbers[4];

static void use_after_free(void)
{
	char *memory = kzalloc(32, GFP_KERNEL);

	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	READ_ONCE(memory[3]);
}

static void leak(void)
{
	char *memory = kzalloc(32, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(memory);
}

static void lock_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_in_atomic(void)
{
	spin_lock(&spinning);
	msleep(20);
	spin_unlock(&spinning);
}

static void out_of_bounds(void)
{
	int index = ARRAY_SIZE(numbers);

	OPTIMIZER_HIDE_VAR(index);
	numbers[index]++;
}

static int __init mistakes_init(void)
{
	if (!strcmp(kind, "use-after-free"))
		use_after_free();
	else if (!strcmp(kind, "leak"))
		leak();
	else if (!strcmp(kind, "lock-order"))
		lock_order();
	else if (!strcmp(kind, "sleep-in-atomic"))
		sleep_in_atomic();
	else if (!strcmp(kind, "out-of-bounds"))
		out_of_bounds();
	else
		WARN(1, "mistakes: %s\n", kind);
	return 0;
}

static void __exit mistakes_exit(void)
{
}

module_init(mistakes_init);
module_exit(mistakes_exit);
MODULE_DESCRIPTION("What a sanitizer has to report");
MODULE_LICENSE("Dual MIT/GPL");
