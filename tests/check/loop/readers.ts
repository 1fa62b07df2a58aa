/**
 * Readers that are slow, that keep what they have, and that are many.
 *
 * @module
 */
import { ioctl } from "../../../lib/sys/ioctl.ts";
import {
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_MEMORY_MMAP,
  v4l2_requestbuffers,
  VIDIOC_REQBUFS,
} from "../../../lib/uapi/videodev2.ts";
import { type Context, readCsv } from "../../harness/context.ts";
import { expectBytes, numbered, Reader, type Taken, VGA_BYTES, Writer } from "./client.ts";
import { loop, loopStats, loopStatsSince } from "../../harness/nodes.ts";
import { run } from "../../harness/processes.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { until } from "../../harness/waiting.ts";

/** Of a node, by default. */
const MOST_READERS = 64;

const BEFORE = 5;
const MEANWHILE = 40;
const TOOLS = ["capture-mmap", "capture-userptr", "capture-dmabuf"] as const;
const CAPTURE = ["--stamp", "--quiet", "--warm-up", 0, "--fps", 0, "--timeout", 60] as const;

export async function loopReaderChecks(
  suite: Suite,
  context: Context,
  node: string,
): Promise<void> {
  const csv = `${context.scratch}/loop.csv`;

  await suite.check("loop: max_readers", async () => {
    loop.setParameter("max_readers", 1);
    try {
      using writer = new Writer(node, "mmap");
      {
        using reader = new Reader(node, "mmap");
        const others = {
          [context.tool("capture-mmap")]: [node, csv, "1", "--quiet", "--fps", "0"],
          dd: [`if=${node}`, "of=/dev/null", `bs=${VGA_BYTES}`, "count=1"],
        };
        for (const [program, args] of Object.entries(others)) {
          const { status, stderr } = await run(program, args);
          expect(
            status !== 0 && stderr.includes("resource busy"),
            `${program}, the second one: status ${status}, ${stderr.trim()}`,
          );
        }
        writer.write(numbered(0));
        reader.expectFrame("the frame of the first one", 0, numbered(0));
      }
      using next = new Reader(node, "read");
      writer.write(numbered(1));
      next.expectFrame("the frame of the next one", 0, numbered(1));
    } finally {
      loop.setParameter("max_readers", MOST_READERS);
    }
    return `one reader, and EBUSY for another; ${MOST_READERS} at a time without the parameter`;
  });

  await suite.whole?.check("loop: a reader that stands still", async () => {
    using writer = new Writer(node, "mmap");
    // A copy a frame each: so many copies and losses, so many frames are gone.
    using beside = new Reader(node, "read");
    await using slow = context.start(
      "capture-userptr",
      node,
      csv,
      1_000_000,
      "noreset",
      ...CAPTURE,
    );
    await until("two readers", () => loopStats(node).readers === 2);
    const before = loopStats(node);
    let written = 0;
    const write = (count: number) => {
      for (const end = written + count; written < end; written++) {
        writer.write(numbered(written));
        beside.expectFrame(`frame ${written}`, written, numbered(written));
      }
    };
    const done = () => {
      const { copies, lost } = loopStatsSince(node, before);
      return copies + lost === 2 * written;
    };
    for (let i = 0; i < BEFORE; i++) {
      write(1);
      await until("the frame is with both", done);
    }
    expectEqual("lost before", loopStatsSince(node, before).lost, 0);
    await slow.stop();
    write(MEANWHILE);
    slow.kill("SIGCONT");
    await until("the last frame is with both", done);
    const { lost } = loopStatsSince(node, before);
    slow.kill("SIGINT");
    expectEqual("status", (await slow.end()).status, 130);
    const rows = readCsv(csv);
    expectEqual("frames had and lost", rows.length + lost, written);
    expect(lost >= MEANWHILE - 32, `it lost only ${lost} of ${MEANWHILE} frames`);
    rows.forEach((row, i) => {
      expectEqual(`stamp of row ${i}`, row.stamp, row.sequence);
      const last = i === 0 ? -1 : Number(rows[i - 1].sequence);
      expect(Number(row.sequence) > last, `row ${i}: ${row.sequence} after ${last}`);
    });
    expectEqual("last sequence", Number(rows[rows.length - 1].sequence), written - 1);
    return `lost ${lost} of ${written}, counted and seen as gaps; the reader beside it none`;
  });

  await suite.whole?.check("loop: four readers at once", async () => {
    const files = TOOLS.map((tool) => `${context.scratch}/${tool}.csv`);
    using writer = new Writer(node, "dmabuf");
    writer.fillAll();
    using beside = new Reader(node, "mmap");
    await using stack = new AsyncDisposableStack();
    const tools = TOOLS.map((tool, i) => {
      const mode = tool === "capture-userptr" ? ["noreset"] : [];
      return stack.use(context.start(tool, node, files[i], BEFORE, ...mode, ...CAPTURE));
    });
    await until("four readers", () => loopStats(node).readers === 4);
    const before = loopStats(node);
    for (let i = 0; i < BEFORE; i++) {
      writer.write(numbered(i));
      beside.expectFrame(`frame ${i}`, i, numbered(i));
      await until("all have the frame", () => {
        const { copies, shared, lost } = loopStatsSince(node, before);
        return copies + shared + lost === 4 * (i + 1);
      });
    }
    for (const tool of tools) expectEqual("status", (await tool.end()).status, 0);
    const { copies, shared, lost } = loopStatsSince(node, before);
    expectEqual("lost", lost, 0);
    expectEqual("shared, by the one with the writer's dma-bufs", shared, BEFORE);
    expectEqual("copies, for the others", copies, 3 * BEFORE);
    for (const file of files) {
      const rows = readCsv(file);
      expectEqual(`rows of ${file}`, rows.length, BEFORE);
      rows.forEach((row, i) => {
        expectEqual(`sequence of row ${i}`, Number(row.sequence), i);
        expectEqual(`stamp of row ${i}`, Number(row.stamp), i);
      });
    }
    return `${BEFORE} frames to each, ${copies} copies, ${shared} shared`;
  });

  for (const held of [1, 4]) {
    await suite.check(`loop: ${held} of a reader's pictures kept for long`, () => {
      using writer = new Writer(node, "mmap");
      using reader = new Reader(node, "mmap", 8);
      const before = loopStats(node);
      const kept: Taken[] = [];
      let number = 0;
      for (; number < held; number++) {
        writer.write(numbered(number));
        kept.push(reader.take());
      }
      for (; number < MEANWHILE; number++) {
        writer.write(numbered(number));
        reader.expectFrame(`frame ${number}`, number, numbered(number));
        kept.forEach(({ bytes }, i) => expectBytes(`kept frame ${i}`, bytes, numbered(i)));
      }
      const { copies, lost } = loopStatsSince(node, before);
      expectEqual("lost", lost, 0);
      if (held === 1) return `not a byte of it changed in ${MEANWHILE} frames`;
      // The writer's own buffers are no more than these.
      expect(copies > 0, "the writer went on without a buffer, and nothing was copied");
      return `not a byte of them changed in ${MEANWHILE} frames, ${copies} copies`;
    });
  }

  await suite.check("loop: more of the writer's dma-bufs kept than it can spare", () => {
    using writer = new Writer(node, "dmabuf");
    writer.fillAll();
    using reader = new Reader(node, "dmabuf");
    const kept: Taken[] = [];
    let number = 0;
    for (; number < MEANWHILE; number++) {
      writer.write(numbered(number));
      const taken = reader.tryTake();
      if (taken) kept.push(taken);
      kept.forEach(({ bytes }, i) => expectBytes(`kept frame ${i}`, bytes, numbered(i)));
    }
    expect(kept.length > 0 && kept.length < 4, `the reader keeps ${kept.length} of 4`);
    for (const taken of kept) reader.give(taken);
    const next = reader.take();
    expect(next.sequence! >= kept.length, `frame ${next.sequence} again`);
    expectBytes("the next frame", next.bytes, numbered(next.sequence!));
    return `it got ${kept.length} of 4, unchanged in ${MEANWHILE} frames, then number ${next.sequence}`;
  });

  await suite.check("loop: a picture after STREAMOFF, and after its buffer is gone", () => {
    using writer = new Writer(node, "mmap");
    using reader = new Reader(node, "mmap");
    const writeSome = (first: number) => {
      for (let i = first; i < first + 10; i++) writer.write(numbered(i));
    };
    writer.write(numbered(0));
    const { bytes } = reader.take();
    reader.queue!.streamOff();
    writeSome(1);
    expectBytes("the picture after STREAMOFF", bytes, numbered(0));
    const request = v4l2_requestbuffers.alloc({
      count: 0,
      type: V4L2_BUF_TYPE_VIDEO_CAPTURE,
      memory: V4L2_MEMORY_MMAP,
    });
    ioctl(reader.device, VIDIOC_REQBUFS, request.bytes);
    writeSome(11);
    expectBytes("the picture after REQBUFS(0)", bytes, numbered(0));
    writer.close();
    expectBytes("the picture after the writer's end", bytes, numbered(0));
    return "the mapping keeps it, also when the writer is gone";
  });
}
