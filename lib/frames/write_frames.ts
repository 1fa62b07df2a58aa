/**
 * The loop that writes frames to an OUTPUT device by the clock.
 *
 * @module
 */
import {
  counted,
  formatNumber,
  formatRate,
  formatSummary,
  formatWarmUp,
} from "../measure/format.ts";
import { Histogram } from "../measure/histogram.ts";
import { absoluteNs, monotonicNs, sleepUntil } from "../sys/clock.ts";
import { EAGAIN, ENODATA } from "../sys/errno.ts";
import { Poller, POLLOUT } from "../sys/poll.ts";
import { yieldProcessor } from "../sys/thread.ts";
import { DeviceError, type VideoDevice } from "../v4l2/device.ts";
import type { FrameInterval } from "../v4l2/frame_interval.ts";
import type { FrameInput } from "./frame_input.ts";
import type { FrameSink } from "./frame_sink.ts";
import { PollErrors } from "./poll_errors.ts";
import { Recording, type RecordingSettings } from "./recording.ts";
import { writeStamp } from "./stamp.ts";
import { BREATH_MS, breathe, type StopRequest } from "../cli/stop.ts";
import type { Report, ToolSession } from "../cli/tool.ts";

/** Frames, and how they are to be written. It times out where no buffer becomes free. */
export interface Writing extends RecordingSettings {
  readonly device: VideoDevice;
  readonly input: FrameInput;
  /** The input as the user named it. */
  readonly name: string;
  readonly sink: FrameSink;
  readonly io: string;
  /** From one frame to the next; undefined for as fast as possible. */
  readonly interval: FrameInterval | undefined;
  readonly loop: boolean;
  readonly stamp: boolean;
}

/**
 * Takes one frame after the other through its steps: a free buffer, filled, due, handed over. Each
 * step that has to wait gives up after a tenth of a second and goes on there the next time.
 */
class FrameWriter {
  /** Of the last frame. Times are from `monotonicNs`. */
  index = -1;
  bytes = 0;
  due = 0;
  fill = 0;
  /** When filling would have begun if the input had had all of the frame then. */
  input = 0;
  filled = 0;
  submit = 0;
  submitted = 0;
  /** Frames handed over. */
  count = 0;
  readonly #writing: Writing;
  readonly #writable: Poller;
  readonly #errors: PollErrors;
  /** In ns; 0 for as fast as possible. */
  readonly #interval: number;
  #start = 0;
  /** For how long the input had kept the writer waiting before this frame, in ns. */
  #waited = 0;
  #held = false;
  #ready = false;
  #waitingSince = 0;

  constructor(writing: Writing) {
    const { device, interval } = writing;
    this.#writing = writing;
    this.#writable = new Poller(device, POLLOUT);
    this.#errors = new PollErrors(device.path);
    this.#interval = interval ? interval.numerator * 1e9 / interval.denominator : 0;
  }

  /** @returns index of the buffer handed over, -EAGAIN for not yet, -ENODATA for no more frames */
  next(): number {
    const { sink } = this.#writing;
    if (!this.#held) {
      this.index = sink.acquire();
      if (this.index < 0 && this.#wait()) this.index = sink.acquire();
      if (this.index < 0) return -EAGAIN;
      this.#held = true;
      this.fill = 0;
      this.#waitingSince = 0;
    }
    if (!this.#ready) {
      const got = this.#fill();
      if (got < 0) return got;
      this.#ready = true;
    }
    if (!this.#isDue()) return -EAGAIN;

    this.submit = monotonicNs();
    if (sink.submit(this.index, this.bytes) < 0) {
      this.#wait();
      return -EAGAIN;
    }
    this.submitted = monotonicNs();
    this.#waitingSince = 0;
    if (this.#interval === 0) this.due = this.submit;
    // A reader on the same processor would get the frame only when the next one is filled.
    else yieldProcessor();
    this.#held = false;
    this.#ready = false;
    this.count++;
    return this.index;
  }

  /** Waits for the device to take or give back a buffer; whether it will. */
  #wait(): boolean {
    const { device, timeout } = this.#writing;
    const events = this.#writable.wait(BREATH_MS);
    if (this.#errors.check(events)) return false;
    const now = performance.now();
    this.#waitingSince ||= now;
    if (now - this.#waitingSince >= timeout * 1000) {
      throw new DeviceError(device.path, `no free buffer within ${timeout} s`);
    }
    return (events & POLLOUT) !== 0;
  }

  /** @returns 0, or -EAGAIN or -ENODATA */
  #fill(): number {
    const { input, sink, stamp, name, loop } = this.#writing;
    const buffer = sink.buffers[this.index];
    if (this.fill === 0) {
      this.fill = monotonicNs();
      this.#waited = input.waited ?? 0;
      sink.begin(this.index);
    }
    let got = input.fill(buffer);
    if (got === 0 && loop && this.count > 0) {
      input.rewind();
      got = input.fill(buffer);
    }
    if (got === -EAGAIN) return got;
    if (got === 0 && this.count === 0) throw new Error(`${name}: holds no frame`);
    if (stamp && got > 0) writeStamp(buffer.bytes, this.count);
    sink.end(this.index);
    this.filled = monotonicNs();
    this.input = this.fill + (input.waited ?? 0) - this.#waited;
    this.bytes = got;
    return got === 0 ? -ENODATA : 0;
  }

  #isDue(): boolean {
    if (this.#interval === 0) return true;
    this.#start ||= this.filled;
    // From the start, so that neither rounding nor a late frame shifts those that follow.
    this.due = Math.round(this.#start + this.count * this.#interval);
    if (this.filled >= this.due) return true;
    sleepUntil(Math.min(this.due, monotonicNs() + BREATH_MS * 1e6));
    return monotonicNs() >= this.due;
  }

  /** Waits until the last frame was shown for as long as the others. */
  async linger(stop: StopRequest): Promise<void> {
    const end = this.#start + this.count * this.#interval;
    for (let now = monotonicNs(); now < end && !stop.requested; now = monotonicNs()) {
      sleepUntil(Math.min(end, now + BREATH_MS * 1e6));
      await breathe();
    }
  }
}

/** Writes and records, to the last frame, a signal, or what fails. */
export async function writeFrames(writing: Writing, session: ToolSession): Promise<Report> {
  const { tool, device, input, sink, io, interval, csv, "warm-up": warmUp } = writing;
  using recording = new Recording(writing, {
    usual: {
      frame: String,
      io: () => io,
      buffer_index: String,
      sequence: String,
      bytesused: String,
      due_monotonic_ns: absoluteNs,
      fill_monotonic_ns: absoluteNs,
      submit_monotonic_ns: absoluteNs,
      submitted_monotonic_ns: absoluteNs,
    },
    steps: {
      wait_monotonic_ns: absoluteNs,
      input_monotonic_ns: absoluteNs,
      filled_monotonic_ns: absoluteNs,
    },
  });
  const { columns, latency: submitting, log, meter } = recording;
  const writer = new FrameWriter(writing);
  const filling = new Histogram();
  const inputWait = new Histogram();
  const late = new Histogram();
  let waiting = 0;
  let first = 0;
  let last = 0;

  const failure = await recording.run(
    {
      source: { device, dequeue: () => -EAGAIN },
      next: () => writer.next(),
      turn() {
        waiting = meter.begin();
        return -EAGAIN;
      },
      take(index, frame) {
        const { row } = log;
        const { due, fill, input: had, filled, submit, submitted } = writer;
        columns.frame[row] = frame;
        columns.buffer_index[row] = index;
        // A node counts the frames of a writer from 0; DQBUF says later whether it did.
        columns.sequence[row] = writer.count - 1;
        columns.bytesused[row] = writer.bytes;
        columns.due_monotonic_ns[row] = due;
        columns.fill_monotonic_ns[row] = fill;
        columns.submit_monotonic_ns[row] = submit;
        columns.submitted_monotonic_ns[row] = submitted;
        columns.wait_monotonic_ns[row] = waiting;
        columns.input_monotonic_ns[row] = had;
        columns.filled_monotonic_ns[row] = filled;
        meter.measure(columns, row);
        log.endRow();
        inputWait.record(had - fill);
        filling.record(filled - had);
        late.record(submit - due);
        submitting.record(submitted - submit);
        if (frame <= 0) first = submit;
        last = submit;
        return submitted;
      },
    },
    session,
    [filling, inputWait, late],
  );
  if (failure === undefined) await writer.linger(session.stop);

  const { misnumbered } = sink;
  const skipped = input.skipped ?? 0;
  if (misnumbered !== undefined && misnumbered > 0) {
    session.warn(
      `${device.path}: numbered ${
        counted(misnumbered, "frame")
      } otherwise: the column sequence is the count ` +
        "of frames written",
    );
  }
  if (skipped > 0) session.warn(`${writing.name}: left out ${counted(skipped, "broken frame")}`);
  const waits = input.waited !== undefined && input.waited > 0;
  const submits = submitting.summary();
  const count = submits?.count ?? 0;
  // Those to warm up alone are no run's.
  const errors = count > 0 ? sink.errors : undefined;
  const rate = count > 1 ? (count - 1) * 1e9 / (last - first) : undefined;
  const lateness = interval && late.summary();
  const asked = interval && interval.denominator / interval.numerator;
  const { width, height, format } = input;
  const call = io === "write" ? "write" : "VIDIOC_QBUF";
  return {
    text: [
      `${device.path}: ${counted(count, "frame")} of ${width}x${height} ${format.name} by ${io}` +
      (rate === undefined ? "" : `, ${formatNumber(rate, 2)} a second`) +
      (asked === undefined ? "" : ` (${formatRate(asked)} asked for)`) +
      (errors === undefined ? "" : `, ${errors} with errors`) +
      `, ${formatWarmUp(count, warmUp)}`,
      ...(waits ? formatSummary("waiting for the input", inputWait.summary()) : []),
      ...formatSummary("filling", filling.summary()),
      ...formatSummary("due to handed over", lateness),
      ...formatSummary(call, submits),
    ],
    json: {
      tool,
      device: device.path,
      input: writing.name,
      csv: csv === "" ? undefined : csv,
      io,
      format: format.name,
      width,
      height,
      frames: count,
      warm_up_frames: count > 0 ? warmUp : undefined,
      buffers: sink.buffers.length,
      frames_per_second: rate,
      frames_per_second_asked: asked ?? 0,
      errors,
      misnumbered,
      skipped,
      process: recording.costs.summary(),
      input_wait_ns: waits ? inputWait.summary() : undefined,
      fill_ns: filling.summary(),
      late_ns: lateness,
      submit_ns: submits,
      failure: failure?.message,
    },
    failure,
  };
}
