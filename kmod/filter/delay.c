// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Pauses of known length, which have to be found in the stage that they are in: `make calibrate`.
 */
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/processor.h>

#include "delay.h"

/* Nothing else runs on this processor meanwhile. */
#define VPIPE_MAX_DELAY_NS	(10U * NSEC_PER_MSEC)

static unsigned int vpipe_delays[VPIPE_NUM_STAGES];
module_param_array_named(delay_ns, vpipe_delays, uint, NULL, 0600);
MODULE_PARM_DESC(delay_ns, "for calibration: a pause in queue, copy, filter, checksum, finish of a frame (0,0,0,0,0)");

void vpipe_delay(enum vpipe_stage stage)
{
	unsigned int ns = READ_ONCE(vpipe_delays[stage]);
	u64 begin;

	if (likely(!ns))
		return;

	ns = min(ns, VPIPE_MAX_DELAY_NS);
	begin = ktime_get_ns();
	while (ktime_get_ns() - begin < ns)
		cpu_relax();
}
