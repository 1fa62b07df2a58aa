/**
 * The calling thread: where and how it is scheduled, and what it has been charged.
 *
 * @module
 */
import { EINVAL, ENOENT, EPERM, errno, SysError } from "./errno.ts";
import { File, IoBuffer, O_RDONLY } from "./file.ts";
import { libc } from "./libc.ts";
import { n64, s32, struct, type View } from "../uapi/struct.ts";

/** sched.h */
export const SCHED_FIFO = 1;
/** sys/resource.h */
export const RUSAGE_SELF = 0;
export const RUSAGE_THREAD = 1;

export const sched_param = struct("struct sched_param", 4, { sched_priority: s32(0) });

export const rusage = struct("struct rusage", 144, {
  ru_utime_tv_sec: n64(0, "ru_utime.tv_sec"),
  ru_utime_tv_usec: n64(8, "ru_utime.tv_usec"),
  ru_stime_tv_sec: n64(16, "ru_stime.tv_sec"),
  ru_stime_tv_usec: n64(24, "ru_stime.tv_usec"),
  ru_minflt: n64(64),
  ru_nvcsw: n64(128),
  ru_nivcsw: n64(136),
});

type Usage = View<typeof rusage.fields>;

// Enough for the 8192 processors that Linux can be configured for.
const CPU_SET_BYTES = 1024;

/**
 * Lets the calling thread run on one processor only.
 *
 * @param cpu its number, from 0
 * @throws {Error} where there is no such processor, or this process may not use it
 */
export function pinToCpu(cpu: number): void {
  const set = new Uint8Array(CPU_SET_BYTES);
  set[cpu >> 3] = 1 << (cpu & 7);
  if (libc.sched_setaffinity(0, BigInt(set.length), set) === 0) return;
  const code = errno[0];
  if (code === EINVAL) throw new Error(`CPU ${cpu}: there is none for this process (EINVAL)`);
  throw new SysError(`CPU ${cpu}`, "sched_setaffinity", code);
}

/**
 * Gives the calling thread a fixed priority above all ordinary ones (SCHED_FIFO).
 *
 * @param priority 1 to 99
 * @throws {Error} where the user may not
 */
export function setRealtimePriority(priority: number): void {
  const { bytes } = sched_param.alloc({ sched_priority: priority });
  if (libc.sched_setscheduler(0, SCHED_FIFO, bytes) === 0) return;
  const code = errno[0];
  if (code === EPERM) {
    throw new Error(`real-time priority ${priority}: needs root or CAP_SYS_NICE (EPERM)`);
  }
  throw new SysError(`real-time priority ${priority}`, "sched_setscheduler", code);
}

/** Lets others that wait for this thread's processor run first. Never fails. */
export function yieldProcessor(): void {
  libc.sched_yield();
}

/** The calling thread's resource usage, read again and again without allocating. */
export class ThreadUsage {
  readonly #usage = rusage.alloc();

  /** Page faults that needed no reading from a disk, since the thread started. */
  minorFaults(): number {
    this.read();
    return this.#usage.ru_minflt;
  }

  /** The counters since the thread started, in place: the next call overwrites them. */
  read(): Readonly<Pick<Usage, "ru_minflt" | "ru_nvcsw" | "ru_nivcsw">> {
    libc.getrusage(RUSAGE_THREAD, this.#usage.bytes);
    return this.#usage;
  }
}

/** What the whole process, with all its threads, was charged since it was made or cleared. */
export class ProcessCosts {
  readonly #usage = rusage.alloc();
  readonly #start = { switches: 0, minorFaults: 0, cpuNs: 0 };

  constructor() {
    this.clear();
  }

  /** Counts from here on. */
  clear(): void {
    Object.assign(this.#start, this.#read());
  }

  /** How often one of its threads was switched away from, page faults without reading, and CPU time. */
  summary(): { context_switches: number; minor_faults: number; cpu_ns: number } {
    const { switches, minorFaults, cpuNs } = this.#read();
    return {
      context_switches: switches - this.#start.switches,
      minor_faults: minorFaults - this.#start.minorFaults,
      cpu_ns: cpuNs - this.#start.cpuNs,
    };
  }

  #read() {
    libc.getrusage(RUSAGE_SELF, this.#usage.bytes);
    const {
      ru_minflt,
      ru_nvcsw,
      ru_nivcsw,
      ru_utime_tv_sec,
      ru_utime_tv_usec,
      ru_stime_tv_sec,
      ru_stime_tv_usec,
    } = this.#usage;
    return {
      switches: ru_nvcsw + ru_nivcsw,
      minorFaults: ru_minflt,
      cpuNs: (ru_utime_tv_sec + ru_stime_tv_sec) * 1e9 +
        (ru_utime_tv_usec + ru_stime_tv_usec) * 1000,
    };
  }
}

const SPACE = 0x20;
const ZERO = 0x30;

/** What the calling thread was charged between two calls of `read`; allocates nothing. */
export class ThreadCosts implements Disposable {
  /** Page faults without input or output. */
  minorFaults = 0;
  /** The thread waited for something. */
  voluntarySwitches = 0;
  /** Another thread took its processor. */
  involuntarySwitches = 0;
  /** Nanoseconds in which it could have run and did not, from schedstat; NaN where the kernel has none. */
  runDelayNs = 0;
  readonly #usage = new ThreadUsage();
  readonly #schedstat: File | undefined;
  readonly #text = new IoBuffer(new Uint8Array(96));
  #minflt = 0;
  #nvcsw = 0;
  #nivcsw = 0;
  #delay = 0;

  constructor() {
    try {
      this.#schedstat = File.open("/proc/thread-self/schedstat", O_RDONLY);
    } catch (error) {
      // A kernel without CONFIG_SCHED_INFO.
      if (!(error instanceof SysError && error.code === ENOENT)) throw error;
    }
    this.read();
  }

  /** Sets the properties to what was added since the last call. */
  read(): void {
    const { ru_minflt, ru_nvcsw, ru_nivcsw } = this.#usage.read();
    const delay = this.#readDelay();
    this.minorFaults = ru_minflt - this.#minflt;
    this.voluntarySwitches = ru_nvcsw - this.#nvcsw;
    this.involuntarySwitches = ru_nivcsw - this.#nivcsw;
    this.runDelayNs = delay - this.#delay;
    this.#minflt = ru_minflt;
    this.#nvcsw = ru_nvcsw;
    this.#nivcsw = ru_nivcsw;
    this.#delay = delay;
  }

  // "RUNNING_NS WAITING_NS SLICES\n"
  #readDelay(): number {
    if (this.#schedstat === undefined) return NaN;
    const size = this.#schedstat.tryReadStart(this.#text);
    const { bytes } = this.#text;
    let at = 0;
    while (at < size && bytes[at] !== SPACE) at++;
    let value = 0;
    for (at++; at < size && bytes[at] !== SPACE; at++) value = value * 10 + bytes[at] - ZERO;
    return value;
  }

  [Symbol.dispose](): void {
    this.#schedstat?.close();
  }
}
