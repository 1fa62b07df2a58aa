/**
 * A folder as a bench writes it, of frames that are made up: every kind of chart and table is on its page.
 *
 * @module
 */
import { Random } from "../harness/random.ts";

/** ns of the first frame. */
const BEGIN = 1e10;
const MS = 1e6;

const THREAD =
  "minor_faults,voluntary_switches,involuntary_switches,run_delay_ns,cycles,instructions," +
  "cache_misses";

/** Lines of a CSV, `row` gives one's cells. */
function csv(columns: string, frames: number, row: (frame: number) => readonly unknown[]): string {
  const rows = Array.from({ length: frames }, (_, frame) => row(frame).join(","));
  return [columns, ...rows].map((line) => `${line}\n`).join("");
}

/** Now and then a frame takes much longer than the others. */
const delay = (random: Random, usual: number) =>
  random.between(usual, usual * 2) * (random.chance(0.01) ? random.between(5, 40) : 1);

const charged = (random: Random) => [
  random.below(3),
  1,
  random.chance(0.02) ? 1 : 0,
  random.below(3000),
  // The counters are shared with others now and then.
  ...random.chance(0.05) ? ["", "", ""] : [2e5 + random.below(1e5), 3e5, random.below(5000)],
];

/** A camera, 60 frames a second; half way its latency becomes another, in ms. */
function camera(random: Random, frames: number, first: number, then = first): string {
  const columns = "frame,buffer_index,enqueue_monotonic_ns,dequeue_monotonic_ns," +
    "v4l2_timestamp_sec,v4l2_timestamp_usec,sequence,bytesused,wait_monotonic_ns," +
    `requeue_monotonic_ns,requeued_monotonic_ns,measured_monotonic_ns,flags,${THREAD}`;
  return csv(columns, frames, (frame) => {
    const had = BEGIN + frame * 16_600_000;
    const taken = had - delay(random, (frame < frames / 2 ? first : then) * MS);
    const requeue = had + delay(random, 20_000);
    const requeued = requeue + delay(random, 30_000);
    return [
      ...[frame, frame % 4, had - 60 * MS, had],
      ...[Math.floor(taken / 1e9), Math.floor(taken % 1e9 / 1e3), frame, 307_200],
      ...[had - 15 * MS, requeue, requeued, requeued + 30_000, 0x12000],
      ...charged(random),
    ];
  });
}

/** Frames through the filter, and its metadata; `depth` of them under way together. */
function filtered(random: Random, frames: number, depth: number): [rows: string, meta: string] {
  const columns = "frame,output_index,enqueue_monotonic_ns,dequeue_monotonic_ns,vpipe_sequence," +
    `bytesused,algo,requeued_monotonic_ns,measured_monotonic_ns,${THREAD}`;
  const stages = "queued_ns,run_ns,copied_ns,filtered_ns,checksummed_ns,done_ns";
  const meta: string[] = [];
  const rows = csv(columns, frames, (frame) => {
    const turn = BEGIN + frame * MS;
    const enqueue = turn - (depth - 1) * MS;
    const queued = enqueue + 5000;
    const run = turn + 10_000 + random.below(5000);
    const copied = run + delay(random, 25_000) / 4;
    const done = [copied, copied + 20_000, copied + 90_000, copied + 91_000];
    meta.push(
      [frame, frame, 0, queued, run, ...done].map(Math.floor as (of: number) => number).join(),
    );
    const dequeue = Math.floor(copied) + 91_000 + random.between(5000, 20_000);
    const requeued = dequeue + 15_000;
    return [
      ...[frame, frame % 4, enqueue, dequeue, frame, 307_200, "none"],
      ...[requeued, requeued + 16_000],
      ...charged(random),
    ];
  });
  return [
    rows,
    `seq,src_v4l2_sequence,flags,${stages}\n${meta.map((line) => `${line}\n`).join("")}`,
  ];
}

/** One combination of I/O methods. */
function pair(name: string, latency: number): Record<string, string> {
  const each = (columns: string, row: (frame: number, ns: number) => readonly unknown[]) =>
    csv(columns, 50, (frame) => row(frame, BEGIN + frame * MS));
  return {
    [`${name}.write.csv`]: each(
      "frame,sequence,submit_monotonic_ns,submitted_monotonic_ns",
      (frame, ns) => [frame, frame, ns, ns + 9000],
    ),
    [`${name}.read.csv`]: each(
      "frame,buffer_index,enqueue_monotonic_ns,dequeue_monotonic_ns,v4l2_timestamp_sec," +
        "v4l2_timestamp_usec,sequence,bytesused,stamp",
      (frame, ns) => [frame, 0, ns - 50, ns + latency + frame * 10, 1, 2, frame, 16, frame],
    ),
    [`${name}.cost.csv`]: "frames,copies,bytes_copied,shared,lost,write_cpu_ns,write_switches," +
      "write_minor_faults,read_cpu_ns,read_switches,read_minor_faults\n" +
      `100,200,61440000,0,0,${latency * 70},200,0,${latency * 110},150,7\n`,
    [`${name}.calls.csv`]: "side,syscall,calls,frames\nwrite,ioctl,40,20\nread,ioctl,40,20\n",
  };
}

/** By name, the files of a bench with a camera, the filter, and the loopback's I/O methods. */
export function madeUpBench(): Record<string, string> {
  const random = new Random(17);
  const [one, oneMeta] = filtered(random, 300, 1);
  const [four, fourMeta] = filtered(random, 200, 4);
  const methods = ["write", "mmap", "userptr", "dmabuf"].flatMap((writer, i) =>
    ["read", "mmap", "userptr", "dmabuf"].map((reader, j) =>
      pair(`640x480-${writer}-${reader}`, 90_000 + 70_000 * i + 40_000 * j)
    )
  );
  return {
    "machine.csv": "property,value\nkernel,7.2.12-made-up\ncpu_model,made up\ncpus,2\n" +
      "emulation,none\nclocksource,tsc\nperf,/usr/bin/perf: no counters on this machine\n",
    "mmap.csv": camera(random, 6000, 1, 3),
    "mmap.json": '{"width":640,"height":480,"format":"yuyv","driver":"uvcvideo","buffers":4}\n',
    "fixture-none.csv": one,
    "fixture-none.meta.csv": oneMeta,
    "fixture-none-depth4.csv": `${four}17,4`,
    "fixture-none-depth4.meta.csv": fourMeta,
    ...Object.assign({}, ...methods),
  };
}

/** Runs of both sides of a comparison, each a folder: the camera is slower on the one that is new. */
export function madeUpSides(runs: number): Record<string, string> {
  const random = new Random(18);
  const files: Record<string, string> = {};
  for (let run = 1; run <= runs; run++) {
    files[`base/${run}/mmap.csv`] = camera(random, 300, 2);
    files[`new/${run}/mmap.csv`] = camera(random, 300, 2.8);
  }
  return files;
}
