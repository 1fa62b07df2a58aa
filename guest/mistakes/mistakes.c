// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * One mistake of each kind that the guests `sanitized` and `racing` exist to report. Their
 * self-test loads this once per kind: a guest that stays silent is broken.
 * OPTIMIZER_HIDE_VAR() is there lest the compiler see what is coming.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <media/videobuf2-core.h>

static char *kind = "";
module_param(kind, charp, 0);
MODULE_PARM_DESC(kind, "use-after-free, leak, lock-order, sleep-in-atomic, out-of-bounds, unbalanced, race or warning");

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

static int queue_setup(struct vb2_queue *q, unsigned int *num_buffers, unsigned int *num_planes,
		       unsigned int sizes[], struct device *alloc_devs[])
{
	*num_planes = 1;
	sizes[0] = PAGE_SIZE;
	return 0;
}

static void buf_queue(struct vb2_buffer *vb)
{
}

static void *plane_alloc(struct vb2_buffer *vb, struct device *dev, unsigned long size)
{
	return numbers;
}

static void plane_put(void *memory)
{
}

static const struct vb2_ops unbalanced_ops = {
	.queue_setup	= queue_setup,
	.buf_queue	= buf_queue,
};

static const struct vb2_mem_ops unbalanced_mem_ops = {
	.alloc	= plane_alloc,
	.put	= plane_put,
};

/* A driver that takes the planes from a buffer: videobuf2 never frees what they are. */
static void unbalanced(void)
{
	static struct vb2_queue queue = {
		.type		= 1,
		.io_modes	= VB2_MMAP,
		.ops		= &unbalanced_ops,
		.mem_ops	= &unbalanced_mem_ops,
		.lock		= &first,
		.name		= "mistakes",
	};
	unsigned int count = 1;

	if (vb2_core_queue_init(&queue))
		return;
	mutex_lock(&first);
	if (!vb2_core_reqbufs(&queue, VB2_MEMORY_MMAP, 0, &count))
		vb2_get_buffer(&queue, 0)->num_planes = 0;
	vb2_core_queue_release(&queue);
	mutex_unlock(&first);
}

static int race_on(void *unused)
{
	while (!kthread_should_stop()) {
		numbers[0]++;
		cond_resched();
	}
	return 0;
}

static void race(void)
{
	struct task_struct *racers[2];
	int i;

	for (i = 0; i < ARRAY_SIZE(racers); i++)
		racers[i] = kthread_run(race_on, NULL, "racer");
	ssleep(2);
	for (i = 0; i < ARRAY_SIZE(racers); i++)
		if (!IS_ERR(racers[i]))
			kthread_stop(racers[i]);
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
	else if (!strcmp(kind, "unbalanced"))
		unbalanced();
	else if (!strcmp(kind, "race"))
		race();
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
