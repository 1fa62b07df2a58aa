/**
 * Every way of a camera's frame into the program and through the filter.
 *
 * @module
 */
import { counted } from "../../../lib/measure/format.ts";
import { libc } from "../../../lib/sys/libc.ts";
import { crc32 } from "../../../lib/image/crc32.ts";
import { threshold } from "../../../lib/image/threshold.ts";
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { openCamera, setUpCamera } from "../../../lib/frames/camera.ts";
import { breathe } from "../../../lib/cli/stop.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { DmabufQueue } from "../../../lib/v4l2/queue/queue.ts";
import {
  V4L2_BUF_FLAG_ERROR,
  V4L2_BUF_TYPE_VIDEO_OUTPUT,
  V4L2_CAP_VIDEO_CAPTURE,
} from "../../../lib/uapi/videodev2.ts";
import { CameraPath, TRANSPORTS } from "../../../lib/vpipe/camera_path.ts";
import { openFilter, setFilterSize } from "../../../lib/vpipe/filter.ts";
import { MetaReader } from "../../../lib/vpipe/meta.ts";
import { VPIPE_ALGO_THRESHOLD } from "../../../lib/uapi/vpipe.ts";
import { type Context, FPS, heap, META, readCsv, rowsSoFar } from "../../harness/context.ts";
import { expectError, someRows } from "../../harness/expectations.ts";
import { Module } from "../../harness/modules.ts";
import { succeed } from "../../harness/processes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";
import { until } from "../../harness/waiting.ts";
import { fieldChecks } from "./fields.ts";
import { reportChecks } from "./report.ts";
import { uvcChecks } from "./uvc.ts";
import { losing, VIVID_CID_DQBUF_ERROR } from "./vivid.ts";

const FRAMES = 20;
/** More than there is time for. */
const ENDLESS = 1_000_000;
/** Seconds without a frame that are too many, while a camera that works may stand still for some. */
const TIMEOUT = 10;
const WAIT_MS = 60_000;
const VGA = { size: [640, 480], fps: FPS, format: "grey" };
/** What the tools ask for, to have it whatever the device is set to. */
const ASKED = ["--size", "640x480", "--format", "grey", "--fps", FPS] as const;
const PAGES = Math.ceil(640 * 480 / libc.getpagesize());

const faultyOf = (rows: readonly Record<string, string>[]) =>
  rows.filter(({ flags }) => Number(flags) & V4L2_BUF_FLAG_ERROR).length;

export async function captureChecks(suite: Suite, context: Context): Promise<void> {
  const { scratch, fixtures } = context;
  const csv = `${scratch}/capture.csv`;
  const meta = `${scratch}/capture.meta.csv`;
  const tiny = `${fixtures}/tiny-4x4.pgm`;

  await suite.whole?.check("capture-read: whole frames and their CRC", async () => {
    const options = ["--stages", "--warm-up", 0, "--quiet", ...ASKED] as const;
    await context.run("capture-read", context.vivid, csv, FRAMES, ...options);
    const rows = readCsv(csv);
    expectEqual("rows", rows.length, FRAMES);
    rows.forEach((row, i) => {
      expectEqual(`synthetic_sequence of row ${i}`, Number(row.synthetic_sequence), i);
      expectEqual(`bytesused of row ${i}`, Number(row.bytesused), 640 * 480);
      const times = ["read_start", "readable", "read_end", "checksummed", "measured"]
        .map((name) => BigInt(row[`${name}_monotonic_ns`]));
      for (let k = 1; k < times.length; k++) {
        expect(times[k] >= times[k - 1], `row ${i}: step ${k} is before the one before it`);
      }
    });
    const sums = new Set(rows.map((row) => row.crc32));
    expect(sums.size > 1, "all frames have the same CRC, and the picture moves");
    return `${FRAMES} frames of 307200 bytes, steps in order, ${sums.size} different CRCs`;
  });

  for (const [mode, faults] of [["reset", PAGES], ["noreset", 0]] as const) {
    const chosen = mode === "reset" ? suite : suite.whole;
    await chosen?.check(`capture-userptr: page faults, ${mode}`, async () => {
      const options = [...ASKED, "--warm-up", 0, "--quiet"] as const;
      await context.run("capture-userptr", context.vivid, csv, FRAMES, mode, ...options);
      const rows = readCsv(csv);
      expectEqual("rows", rows.length, FRAMES);
      // The first queueing of each of the four buffers is not counted. Now and then
      // a page of the runtime's own is first touched there as well.
      const counts = rows.slice(4).map((row) => Number(row.minor_faults_delta));
      expectEqual("fewest minor faults", Math.min(...counts), faults);
      const more = counts.filter((count) => count !== faults).length;
      expect(more <= counts.length / 4, `${more} of ${counts.length} rows have more: ${counts}`);
      return `${faults} minor faults in each VIDIOC_QBUF but ${more} of ${counts.length}`;
    });
  }

  for (
    const [tool, ...args] of [
      ["capture-dmabuf", context.vivid, context.filter, csv, FRAMES],
      ["capture-m2m", context.vivid, context.filter, csv, FRAMES, "dmabuf", "threshold", 99],
      ["capture-m2m", context.vivid, context.filter, csv, FRAMES, "mmap"],
    ] as const
  ) {
    // The ways into the filter are looked at byte by byte below.
    await suite.whole?.check(`${[tool, ...args.slice(4)].join(" ")}: sequences`, async () => {
      await using drain = await context.drain(meta, FRAMES);
      await context.run(tool, ...args, "--warm-up", 0, "--quiet");
      await drain.end();
      const entries = readCsv(meta);
      const rows = readCsv(csv);
      expectEqual("rows", rows.length, FRAMES);
      rows.forEach((row, i) => {
        const { src_v4l2_sequence, bytesused } = entries[i];
        expectEqual(`source sequence of entry ${i}`, src_v4l2_sequence, row.vivid_sequence);
        expectEqual(`bytesused of entry ${i}`, bytesused, row.vpipe_bytesused);
        expectEqual(`vpipe_sequence of row ${i}`, Number(row.vpipe_sequence), i);
      });
      return `${FRAMES} entries of metadata carry exactly the camera's sequence numbers`;
    });
  }

  for (const transport of TRANSPORTS) {
    await suite.check(`camera to filter, ${transport}: every byte`, async () => {
      using camera = openCamera(context.vivid, "streaming");
      const format = setUpCamera(camera, VGA);
      using reader = new MetaReader(META);
      using path = new CameraPath({
        ...{ camera, format, filter: context.filter, transport },
        ...{ algorithm: VPIPE_ALGO_THRESHOLD, threshold: 77, buffers: 4 },
      });
      const poller = new Poller(camera, POLLIN);
      const { width, height } = format;
      for (let frame = 0; frame < 5; frame++) {
        let index = -1;
        while ((index = path.camera.dequeue()) < 0) {
          expect((poller.wait(WAIT_MS) & POLLIN) !== 0, "no frame from the camera");
        }
        const { sequence } = path.camera.dequeued;
        const bytesused = path.camera.payload;
        path.prepare(sequence);
        path.copy(index, bytesused);
        path.output.enqueue(index, bytesused);
        expectEqual("entries", reader.read(1, WAIT_MS), 1);
        const done = path.capture.dequeue();
        expect(done >= 0, "no filtered frame although its metadata is there");
        const source = path.memory[index].bytes.slice(0, bytesused);
        const { image } = threshold({ width, height, pixels: source }, 77);
        const expected = crc32(image.pixels);
        const [entry] = reader.entries;
        expectEqual("source sequence", entry.src_v4l2_sequence, sequence);
        expectEqual("CRC of the filter", entry.crc32, expected);
        const got = path.capture.mappings[done].bytes.subarray(0, bytesused);
        expectEqual("CRC of the CAPTURE buffer", crc32(got), expected);
        path.output.reclaim();
        path.capture.enqueue(done);
        path.camera.enqueue(index);
        await breathe();
      }
      return "5 camera frames, thresholded by the kernel as by the reference";
    });
  }

  await suite.whole?.check("bench-fixture: four frames in flight", async () => {
    const vga = `${fixtures}/noise-vga.pgm`;
    const output = `${scratch}/depth.pgm`;
    await context.run(
      ...["bench-fixture", context.filter, heap(), vga, csv, 40, "threshold", 127, output] as const,
      ...["--depth", 4, "--warm-up", 6, "--quiet"],
    );
    const rows = readCsv(csv);
    expectEqual("rows", rows.length, 40);
    let overlapping = 0;
    rows.forEach((row, i) => {
      expectEqual(`vpipe_sequence of row ${i}`, Number(row.vpipe_sequence), i + 6);
      const next = rows[i + 3];
      if (!next) return;
      if (BigInt(next.enqueue_monotonic_ns) < BigInt(row.dequeue_monotonic_ns)) overlapping++;
    });
    expectEqual("frames queued while the third before them was not done", overlapping, 37);
    const reference = `${scratch}/depth.reference.pgm`;
    await context.run("cv-ref", vga, reference);
    const [a, b] = [output, reference].map((file) => Deno.readFileSync(file));
    expectEqual("CRC of the first result", crc32(a), crc32(b));
    return "40 rows after 6 to warm up, always four queued, the result is the reference's";
  });

  await suite.whole?.check("camera: frames it drops are counted", async () => {
    const result = await losing(
      context,
      40,
      () =>
        context.run("capture-mmap", context.vivid, csv, 60, "--fps", 60, "--warm-up", 9, "--json"),
    );
    const { dropped, gaps } = JSON.parse(result);
    const numbers = readCsv(csv).map((row) => Number(row.sequence));
    // On a slow machine vivid gives a number twice, which makes up for none that is missing.
    const missing = numbers.slice(1)
      .reduce((sum, number, i) => sum + Math.max(0, number - numbers[i] - 1), 0);
    expect(missing > 0, "vivid dropped none of 60 frames");
    expectEqual("dropped", dropped, missing);
    expect(gaps > 0 && gaps <= dropped, `${gaps} gaps with ${dropped} frames missing`);
    return `${dropped} dropped in ${gaps} gaps, as the CSV's sequence numbers say`;
  });
  await suite.whole?.check("camera: one that stops", async () => {
    const csv = `${scratch}/stops.csv`;
    const options = ["--timeout", TIMEOUT, "--warm-up", 0] as const;
    await using capture = context.start("capture-mmap", context.vivid, csv, ENDLESS, ...options);
    await someRows(capture, csv);
    const outcome = await losing(context, 100, () => capture.end());
    const rows = readCsv(csv).length;
    const said = expectError(
      outcome,
      "capture-mmap",
      1,
      `${context.vivid}: no frame within ${TIMEOUT} s, after ${rows} of ${ENDLESS} frames`,
    );
    expect(
      outcome.stdout.includes(`${counted(rows, "frame")} of 640x480`),
      `no report: ${outcome.stdout}`,
    );
    return `${said}, rows and report kept`;
  });
  await suite.whole?.check("metadata: an overrun is flagged in the CSV", async () => {
    const meta = `${scratch}/overrun.meta.csv`;
    using reader = new MetaReader(META);
    await using drain = await context.drain(meta, 300);
    const feed = ["fixture-feed", context.filter, heap(), tiny, `${scratch}/one.pgm`] as const;
    await context.run(...feed, "--quiet");
    await someRows(drain, meta);
    await drain.stop();
    await context.run(
      ...["bench-fixture", context.filter, heap(), tiny, csv, 556, "none"] as const,
      ...["--warm-up", 0, "--quiet"],
    );
    drain.kill("SIGCONT");
    // All that the ring has, or what follows would overrun it once more, and there were too few for all rows.
    await someRows(drain, meta, 1 + reader.ringEntries);
    await context.run(
      ...["bench-fixture", context.filter, heap(), tiny, csv, 300, "none"] as const,
      ...["--warm-up", 0, "--quiet"],
    );
    const { stdout } = await drain.end();
    const rows = readCsv(meta);
    const flagged = rows.filter((row) => Number(row.flags) !== 0).length;
    expect(flagged > 0, "no row is flagged");
    const lost = Number(rows[299].seq) - Number(rows[0].seq) - 299;
    expect(lost > 0, "no entry is missing between the first and the last row");
    expect(
      stdout.includes(`${counted(flagged, "overrun")}, ${counted(lost, "entry", "entries")} lost`),
      `meta-drain's report is: ${stdout.split("\n")[0]}`,
    );
    return `a drain that stood still: ${flagged} rows flagged, ${lost} entries lost, both reported`;
  });
  await suite.whole?.check("camera: one with the multi-planar interface alone", async () => {
    const vivid = new Module("vivid");
    const inUse = vivid.users();
    if (inUse > 0) throw new Skip(`vivid is in use ${inUse} times`);
    await vivid.unload();
    try {
      await succeed("modprobe", ["vivid", "multiplanar=2"]);
      for (
        const [tool, format, bytes, ...options] of [
          // read(2) has one plane.
          ["capture-read", "grey", 640 * 480],
          ["capture-mmap", "nm12", 640 * 480 * 3 / 2, "--buffers", 3],
          ["capture-userptr", "NM12", 640 * 480 * 3 / 2],
          ["capture-dmabuf", "nM12", 640 * 480 * 3 / 2, "--heap", heap()],
        ] as const
      ) {
        const args = [...options, "--size", "640x480", "--fps", FPS, "--warm-up", 0, "--json"];
        const asked = ["--format", format, ...args];
        const result = await context.run(tool, context.vivid, csv, FRAMES, ...asked);
        expectEqual(`${tool}: frames`, JSON.parse(result).frames, FRAMES);
        const rows = readCsv(csv);
        expectEqual(`${tool}: rows`, rows.length, FRAMES);
        for (const { bytesused } of rows) {
          expectEqual(`${tool}: bytesused`, Number(bytesused), bytes);
        }
      }
      const relay = ["capture-m2m", context.vivid, context.filter, csv, FRAMES] as const;
      for (const transport of TRANSPORTS) {
        await context.run(...relay, transport, "--fps", FPS, "--warm-up", 0, "--quiet");
        expectEqual(`rows through the filter, ${transport}`, readCsv(csv).length, FRAMES);
      }
      return `${FRAMES} frames of one and of two planes by each tool, and through the filter`;
    } finally {
      await vivid.unload();
      await succeed("modprobe", ["vivid"]);
    }
  });
  for (const [source, name] of [[0, "eof"], [1, "soe"]] as const) {
    await suite.whole?.check(`camera: timestamps of ${name} are told in each row`, async () => {
      using vivid = VideoDevice.open(context.vivid, V4L2_CAP_VIDEO_CAPTURE, "capture device");
      const control = [...vivid.controls()].find(({ name }) => name === "Timestamp Source");
      expect(control !== undefined, "vivid has no Timestamp Source");
      vivid.setControl(control.id, source);
      try {
        const options = [...ASKED, "--warm-up", 0, "--quiet"] as const;
        await context.run("capture-mmap", context.vivid, csv, FRAMES, ...options);
        const rows = readCsv(csv);
        expectEqual("rows", rows.length, FRAMES);
        for (const row of rows) {
          expectEqual("clock", row.timestamp_type, "monotonic");
          expectEqual("source", row.timestamp_source, name);
          expectEqual("field", row.field, "none");
          expectEqual("error", row.error, "0");
        }
        return `${FRAMES} rows: monotonic, ${name}`;
      } finally {
        vivid.setControl(control.id, control.defaultValue);
      }
    });
  }
  for (
    const [tool, ...path] of [
      ["capture-mmap", context.vivid],
      ["capture-dmabuf", context.vivid, context.filter],
    ] as const
  ) {
    await suite.whole?.check(`${tool}: a faulty frame is told in its row`, async () => {
      using vivid = VideoDevice.open(context.vivid, V4L2_CAP_VIDEO_CAPTURE, "capture device");
      const options = ["--fps", FPS, "--warm-up", 0, "--json"] as const;
      const csv = `${scratch}/faulty-${tool}.csv`;
      await using capture = context.start(tool, ...path, csv, ENDLESS, ...options);
      await someRows(capture, csv);
      const toldOf = () => {
        vivid.setControl(VIVID_CID_DQBUF_ERROR, 1);
        return faultyOf(rowsSoFar(csv)) > 0 || capture.isOver;
      };
      await until("a row with the flag", toldOf);
      if (!capture.isOver) capture.kill("SIGINT");
      const { status, stdout, stderr } = await capture.end();
      expectEqual(`status (${stderr})`, status, 130);
      const rows = readCsv(csv);
      const { frames, errors } = JSON.parse(stdout);
      expectEqual("rows, by the tool's own count", rows.length, frames);
      const faulty = faultyOf(rows);
      expect(faulty > 0 && faulty < rows.length, `${faulty} of ${rows.length} rows are flagged`);
      expectEqual("errors in the JSON", errors, faulty);
      return `${faulty} of ${rows.length} rows have V4L2_BUF_FLAG_ERROR, as the JSON says`;
    });
  }
  await suite.check("filter: a dma-buf too small", () => {
    using filter = openFilter(context.filter);
    setFilterSize(filter, 640, 480);
    using small = allocateFromHeap(heap(), 4096);
    using queue = new DmabufQueue(filter, V4L2_BUF_TYPE_VIDEO_OUTPUT, [small]);
    let message = "";
    try {
      queue.enqueue(0, 640 * 480);
    } catch (error) {
      message = (error as Error).message;
    }
    expectEqual("error", message, `${context.filter}: VIDIOC_QBUF: Invalid argument (EINVAL)`);
    return `4096 bytes for a frame of 307200: "${message}"`;
  });
  if (suite.whole) await fieldChecks(suite.whole, context);
  if (suite.whole) await reportChecks(suite.whole, context);
  await uvcChecks(suite, context);
}
