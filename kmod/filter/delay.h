/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef VPIPE_DELAY_H
#define VPIPE_DELAY_H

/**
 * enum vpipe_stage - what a frame's time in the kernel is taken apart into, in this order
 * @VPIPE_STAGE_QUEUE:		until its job runs
 * @VPIPE_STAGE_COPY:		rows that are only copied
 * @VPIPE_STAGE_FILTER:		rows that cross the ROI
 * @VPIPE_STAGE_CHECKSUM:	the CRC
 * @VPIPE_STAGE_FINISH:		what is left until it is done
 * @VPIPE_NUM_STAGES:		how many there are
 */
enum vpipe_stage {
	VPIPE_STAGE_QUEUE,
	VPIPE_STAGE_COPY,
	VPIPE_STAGE_FILTER,
	VPIPE_STAGE_CHECKSUM,
	VPIPE_STAGE_FINISH,
	VPIPE_NUM_STAGES,
};

/**
 * vpipe_delay() - Pause in a stage, if the module's parameter says so
 * @stage:	which one; of the work on pixels, called for each block
 *
 * Context: Process context. Busy, as what sleeps is late by what nobody knows.
 */
void vpipe_delay(enum vpipe_stage stage);

#endif /* VPIPE_DELAY_H */
