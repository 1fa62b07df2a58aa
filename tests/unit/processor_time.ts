/**
 * How long something takes, whatever else the machine does.
 *
 * @module
 */
import { processorTicks } from "../harness/patience.ts";

/** Of the kernel, for whoever reads of them. */
const TICKS = 100;

/** Processor time that this thread has had, in seconds. */
export const processorSeconds = (): number => processorTicks("thread-self")! / TICKS;
