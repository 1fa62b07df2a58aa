/**
 * The kinds of path that a run can take, as tables: which columns give each away, and what a frame's
 * turn is made of. docs/csv.md has the columns and the parts in words.
 *
 * @module
 */
import type { Table } from "./table.ts";

/** What a part's time is spent on. */
export type Cost = "waiting" | "copying" | "computing" | "calling" | "scheduling" | "measuring";

/** Every part, in the order of a frame's life, and what it is a cost of. */
export const PARTS = {
  "buffer wait": "scheduling",
  "input wait": "waiting",
  "fill": "computing",
  "source wait": "waiting",
  "run delay": "scheduling",
  "write copy": "copying",
  "read copy": "copying",
  "user checksum": "computing",
  "controls": "calling",
  "user copy": "copying",
  "QBUF": "calling",
  "queue wait": "scheduling",
  "kernel copy": "copying",
  "filter": "computing",
  "checksum": "computing",
  "finish": "calling",
  "wake-up": "scheduling",
  "remap": "calling",
  "requeue": "calling",
  "measuring": "measuring",
} as const satisfies Record<string, Cost>;

export type PartName = keyof typeof PARTS;

/** Whether a part is up to who gives the frames: a turn without such is what the machine does. */
export const isWait = (name: PartName): boolean => PARTS[name] === "waiting";

/** Runnable and not running: a column says how long, and not in which part. */
export const RUN_DELAY: PartName = "run delay";

/** The columns of what the thread was charged for a row. */
export const THREAD_COLUMNS = [
  "minor_faults",
  "voluntary_switches",
  "involuntary_switches",
  "run_delay_ns",
  "cycles",
  "instructions",
  "cache_misses",
] as const;

/** From one column to another; `meta.` columns are the joined metadata's. */
export interface Part {
  readonly name: PartName;
  readonly from: string;
  readonly to: string;
}

/** How rows find their metadata: equal columns, or equal distances from the first frame. */
export interface JoinRule {
  readonly column: string;
  readonly metaColumn: string;
  readonly fromFirst: boolean;
  /** A frame's metadata lies between these two times of its row. */
  readonly enqueued: string;
  readonly dequeued: string;
}

/** One kind of path. */
export interface PathKind {
  readonly id: string;
  readonly title: string;
  /** Columns, which no kind listed before has all of. */
  readonly columns: readonly string[];
  /** A column's word, where the columns alone do not tell. */
  readonly word?: readonly [column: string, word: string];
  /** What the CSV of the reference tools gives as latency. */
  readonly latency: { readonly name: string; readonly from: string; readonly to: string };
  /** Where a turn of the loop begins. */
  readonly start: string;
  readonly parts: readonly Part[];
  readonly join?: JoinRule;
  /** Columns whose gaps are lost frames, and who numbered them. */
  readonly sequences: readonly { readonly column: string; readonly of: string }[];
  /** Of pixels, a frame, from where the camera or the heap holds them to where they are used. */
  readonly copies: string;
  readonly timestamps: string;
  /** Whether the camera's buffers have a time of their own. */
  readonly buffers?: boolean;
  /**
   * How frames that the driver flagged as faulty are known: counted by buffer flags; the tool ends at
   * the first; or not at all, as read(2) and write(2) have no flags.
   */
  readonly errors: "counted" | "fatal" | "unknown";
}

const part = (name: PartName, from: string, to: string): Part => ({ name, from, to });

const IN_KERNEL: readonly Part[] = [
  part("queue wait", "meta.queued_ns", "meta.run_ns"),
  part("kernel copy", "meta.run_ns", "meta.copied_ns"),
  part("filter", "meta.copied_ns", "meta.filtered_ns"),
  part("checksum", "meta.filtered_ns", "meta.checksummed_ns"),
  part("finish", "meta.checksummed_ns", "meta.done_ns"),
];

const throughFilter = (enqueued: string, dequeued: string): readonly Part[] => [
  part("QBUF", enqueued, "meta.queued_ns"),
  ...IN_KERNEL,
  part("wake-up", "meta.done_ns", dequeued),
  part("requeue", dequeued, "requeued_monotonic_ns"),
  part("measuring", "requeued_monotonic_ns", "measured_monotonic_ns"),
];

const bySource = (dequeued: string): JoinRule => ({
  column: "vivid_sequence",
  metaColumn: "src_v4l2_sequence",
  fromFirst: false,
  enqueued: "enqueue_monotonic_ns",
  dequeued,
});

const CAMERA_AND_FILTER = [
  { column: "vivid_sequence", of: "camera" },
  { column: "vpipe_sequence", of: "filter" },
] as const;

const PROGRAM_CLOCK = "program's CLOCK_MONOTONIC";
const BOTH_CLOCKS = "program's and kernel's CLOCK_MONOTONIC";

const CAPTURE = {
  columns: ["enqueue_monotonic_ns", "dequeue_monotonic_ns", "v4l2_timestamp_sec", "sequence"],
  latency: {
    name: "queueing to dequeueing",
    from: "enqueue_monotonic_ns",
    to: "dequeue_monotonic_ns",
  },
  start: "wait_monotonic_ns",
  sequences: [{ column: "sequence", of: "camera" }],
  timestamps: PROGRAM_CLOCK,
  buffers: true,
  errors: "counted",
} as const;

const M2M = {
  columns: ["transport", "algo", "vivid_dq_monotonic_ns", "vpipe_dq_monotonic_ns"],
  latency: {
    name: "added latency",
    from: "vivid_dq_monotonic_ns",
    to: "vpipe_dq_monotonic_ns",
  },
  start: "wait_monotonic_ns",
  join: bySource("vpipe_dq_monotonic_ns"),
  sequences: CAMERA_AND_FILTER,
  timestamps: BOTH_CLOCKS,
  errors: "counted",
} as const;

type Written = Pick<PathKind, "columns" | "start" | "parts" | "sequences">;

/** A program that writes to the loopback node. */
const writing = (submit: PartName, filling: readonly Part[]): Written => ({
  columns: ["io", "due_monotonic_ns", "submit_monotonic_ns", "submitted_monotonic_ns"],
  start: "wait_monotonic_ns",
  parts: [
    part("buffer wait", "wait_monotonic_ns", "fill_monotonic_ns"),
    ...filling,
    part("source wait", "filled_monotonic_ns", "submit_monotonic_ns"),
    part(submit, "submit_monotonic_ns", "submitted_monotonic_ns"),
    part("measuring", "submitted_monotonic_ns", "measured_monotonic_ns"),
  ],
  // The column is the program's own count.
  sequences: [],
});

/** Its rows, and those of before it told waiting for its input from filling. */
function writers(
  submit: PartName,
  kind: Omit<PathKind, keyof Written>,
): readonly PathKind[] {
  const waiting = writing(submit, [
    part("input wait", "fill_monotonic_ns", "input_monotonic_ns"),
    part("fill", "input_monotonic_ns", "filled_monotonic_ns"),
  ]);
  return [
    { ...kind, ...waiting, columns: [...waiting.columns, "input_monotonic_ns"] },
    {
      ...kind,
      ...writing(submit, [part("fill", "fill_monotonic_ns", "filled_monotonic_ns")]),
    },
  ];
}

/** All kinds; the first that fits is it. */
export const KINDS: readonly PathKind[] = [
  {
    id: "read",
    title: "camera read()",
    columns: ["read_start_monotonic_ns", "read_end_monotonic_ns"],
    latency: {
      name: "one read()",
      from: "read_start_monotonic_ns",
      to: "read_end_monotonic_ns",
    },
    start: "read_start_monotonic_ns",
    parts: [
      part("source wait", "read_start_monotonic_ns", "readable_monotonic_ns"),
      part("read copy", "readable_monotonic_ns", "read_end_monotonic_ns"),
      part("user checksum", "read_end_monotonic_ns", "checksummed_monotonic_ns"),
      part("measuring", "checksummed_monotonic_ns", "measured_monotonic_ns"),
    ],
    // read() gives no sequence: its tool counts by itself.
    sequences: [],
    errors: "unknown",
    copies: "1 in the kernel (read())",
    timestamps: PROGRAM_CLOCK,
  },
  {
    ...CAPTURE,
    id: "userptr",
    title: "camera USERPTR",
    columns: [...CAPTURE.columns, "minor_faults_delta"],
    parts: [
      part("source wait", "wait_monotonic_ns", "dequeue_monotonic_ns"),
      part("remap", "dequeue_monotonic_ns", "requeue_monotonic_ns"),
      part("requeue", "requeue_monotonic_ns", "requeued_monotonic_ns"),
      part("measuring", "requeued_monotonic_ns", "measured_monotonic_ns"),
    ],
    copies: "0 after the camera wrote the frame (the program's own pages)",
  },
  {
    ...CAPTURE,
    id: "mmap",
    title: "camera mmap",
    parts: [
      part("source wait", "wait_monotonic_ns", "dequeue_monotonic_ns"),
      part("requeue", "requeue_monotonic_ns", "requeued_monotonic_ns"),
      part("measuring", "requeued_monotonic_ns", "measured_monotonic_ns"),
    ],
    copies: "0 after the camera wrote the frame (mapped buffer)",
  },
  {
    ...M2M,
    id: "m2m-mmap",
    title: "camera mmap -> vpipe mmap",
    word: ["transport", "mmap"],
    parts: [
      part("source wait", "wait_monotonic_ns", "vivid_dq_monotonic_ns"),
      part("controls", "vivid_dq_monotonic_ns", "prepared_monotonic_ns"),
      part("user copy", "prepared_monotonic_ns", "enqueue_monotonic_ns"),
      ...throughFilter("enqueue_monotonic_ns", "vpipe_dq_monotonic_ns"),
    ],
    copies: "1 in userspace (memcpy), 1 in the kernel (filter)",
  },
  {
    ...M2M,
    id: "m2m-dmabuf",
    title: "camera EXPBUF -> vpipe DMABUF",
    word: ["transport", "dmabuf"],
    parts: [
      part("source wait", "wait_monotonic_ns", "vivid_dq_monotonic_ns"),
      part("controls", "vivid_dq_monotonic_ns", "prepared_monotonic_ns"),
      ...throughFilter("enqueue_monotonic_ns", "vpipe_dq_monotonic_ns"),
    ],
    copies: "1 in the kernel (filter)",
  },
  {
    id: "dmabuf",
    title: "camera EXPBUF -> vpipe OUTPUT DMABUF -> CAPTURE MMAP",
    columns: ["dmabuf_fd", "vivid_dequeue_ns", "vpipe_dequeue_ns"],
    latency: { name: "added latency", from: "vivid_dequeue_ns", to: "vpipe_dequeue_ns" },
    start: "wait_monotonic_ns",
    parts: [
      part("source wait", "wait_monotonic_ns", "vivid_dequeue_ns"),
      part("controls", "vivid_dequeue_ns", "prepared_monotonic_ns"),
      ...throughFilter("enqueue_monotonic_ns", "vpipe_dequeue_ns"),
    ],
    join: bySource("vpipe_dequeue_ns"),
    sequences: CAMERA_AND_FILTER,
    copies: "1 in the kernel (filter)",
    timestamps: BOTH_CLOCKS,
    errors: "counted",
  },
  {
    id: "fixture",
    title: "heap -> vpipe DMABUF",
    columns: ["output_index", "enqueue_monotonic_ns", "dequeue_monotonic_ns", "algo"],
    latency: {
      name: "queueing to dequeueing",
      from: "enqueue_monotonic_ns",
      to: "dequeue_monotonic_ns",
    },
    start: "enqueue_monotonic_ns",
    parts: throughFilter("enqueue_monotonic_ns", "dequeue_monotonic_ns"),
    join: {
      column: "vpipe_sequence",
      metaColumn: "seq",
      fromFirst: true,
      enqueued: "enqueue_monotonic_ns",
      dequeued: "dequeue_monotonic_ns",
    },
    sequences: [{ column: "vpipe_sequence", of: "filter" }],
    errors: "fatal",
    copies: "1 in the kernel (filter)",
    timestamps: BOTH_CLOCKS,
  },
  ...writers("write copy", {
    id: "loop-write",
    title: "program write() -> loopback",
    word: ["io", "write"],
    latency: {
      name: "one write()",
      from: "submit_monotonic_ns",
      to: "submitted_monotonic_ns",
    },
    errors: "unknown",
    copies: "1 in the kernel (write()), and the reader's",
    timestamps: PROGRAM_CLOCK,
  }),
  ...writers("QBUF", {
    id: "loop-queue",
    title: "program's buffers -> loopback",
    latency: {
      name: "one VIDIOC_QBUF",
      from: "submit_monotonic_ns",
      to: "submitted_monotonic_ns",
    },
    errors: "counted",
    copies: "the reader's",
    timestamps: PROGRAM_CLOCK,
  }),
];

/** The kind of path whose tool wrote this table; undefined of any other table. */
export function kindOf(table: Pick<Table, "has" | "word">): PathKind | undefined {
  return KINDS.find(({ columns, word }) =>
    table.has("frame", ...columns) && (word === undefined || table.word(word[0], 0) === word[1])
  );
}

const OF_EVERY_RUN = [
  ...["frame", "flags", "field", "v4l2_timestamp_usec", "stamp", "algo", "minor_faults_delta"],
  ...THREAD_COLUMNS,
];
const OF_METADATA = ["seq", "src_v4l2_sequence", "flags"];
const META = "meta.";

const USED = new Set([
  ...OF_EVERY_RUN,
  ...OF_METADATA,
  ...KINDS.flatMap(({ columns, latency, start, parts, sequences }) => [
    ...columns,
    start,
    ...[latency, ...parts].flatMap(({ from, to }) => [from, to]),
    ...sequences.map(({ column }) => column),
  ]).map((name) => name.startsWith(META) ? name.slice(META.length) : name),
]);

/** Whether a report looks at a column of a run or of its metadata: the others need no memory. */
export function isUsed(column: string): boolean {
  return USED.has(column);
}
