/**
 * Every way into the loopback node with every way out of it: what arrives, and what it cost.
 *
 * @module
 */
import { IO_METHODS, type IoMethod } from "../../../lib/frames/frame_sink.ts";
import { readPgm } from "../../../lib/files/pgm_files.ts";
import { crc32 } from "../../../lib/image/crc32.ts";
import { type Context, heap, readCsv } from "../../harness/context.ts";
import { numbered, READ_METHODS, Reader, type ReadMethod, VGA_BYTES, Writer } from "./client.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { loop, loopStats, loopStatsSince } from "../../harness/nodes.ts";

const FRAMES = 16;
const TOOL_FRAMES = 12;

/** Whether a reader sees the very memory that the writer filled. */
function isShared(from: IoMethod, to: ReadMethod, showMmap: boolean): boolean {
  // Memory that the writer has in its own address space is nobody else's.
  if (to === "dmabuf") return from !== "userptr";
  return to === "mmap" && showMmap && (from === "mmap" || from === "write");
}

export async function loopIoChecks(suite: Suite, context: Context, node: string): Promise<void> {
  for (const from of IO_METHODS) {
    for (const to of READ_METHODS) {
      await suite.check(`loop: ${from} to ${to}`, () => {
        using writer = new Writer(node, from);
        // A reader can have the dma-bufs that the node has seen.
        writer.fillAll();
        using reader = new Reader(node, to);
        const before = loopStats(node);
        for (let i = 0; i < FRAMES; i++) {
          writer.write(numbered(i));
          reader.expectFrame(`frame ${i}`, i, numbered(i));
        }
        const { frames, copies, bytes_copied, shared, lost } = loopStatsSince(node, before);
        const once = isShared(from, to, false);
        const expected = FRAMES * ((from === "write" ? 1 : 0) + (once ? 0 : 1));
        expectEqual("frames", frames, FRAMES);
        expectEqual("copies", copies, expected);
        expectEqual("bytes_copied", bytes_copied, expected * VGA_BYTES);
        expectEqual("shared", shared, once ? FRAMES : 0);
        expectEqual("lost", lost, 0);
        return `${FRAMES} frames, every byte and number, ${expected} copies, ${shared} shared`;
      });
    }
  }

  await suite.check("loop: mmap to mmap, show_mmap=1", () => {
    loop.setParameter("show_mmap", 1);
    try {
      using writer = new Writer(node, "mmap");
      using reader = new Reader(node, "mmap");
      const before = loopStats(node);
      for (let i = 0; i < FRAMES; i++) {
        writer.write(numbered(i));
        reader.expectFrame(`frame ${i}`, i, numbered(i));
      }
      const { copies, shared } = loopStatsSince(node, before);
      expectEqual("copies", copies, 0);
      expectEqual("shared", shared, isShared("mmap", "mmap", true) ? FRAMES : 0);
    } finally {
      loop.setParameter("show_mmap", 0);
    }
    return `${FRAMES} frames, every byte and number, without a copy`;
  });

  const readers = {
    write: "capture-read",
    mmap: "capture-mmap",
    userptr: "capture-userptr",
    dmabuf: "capture-dmabuf",
  } as const;
  const picture = readPgm(`${context.fixtures}/noise-vga.pgm`).pixels.slice();
  const number = new DataView(picture.buffer);
  for (const io of IO_METHODS) {
    const tool = readers[io];
    const mode = io === "userptr" ? ["noreset"] : [];
    const chosen = io === "userptr" ? suite : suite.whole;
    await chosen?.check(`loop: loop-write by ${io} to ${tool}, and Ctrl-C`, async () => {
      if (io === "dmabuf") heap();
      const [written, read] = [`${context.scratch}/write.csv`, `${context.scratch}/read.csv`];
      await using writer = context.start(
        ...["loop-write", node, `${context.fixtures}/noise-vga.pgm`, written, "--io", io] as const,
        ...["--loop", "--stamp", "--fps", 20, "--quiet"],
      );
      const options = ["--stamp", "--quiet", "--warm-up", 0, "--fps", 0, "--timeout", 60];
      await context.run(tool, node, read, TOOL_FRAMES, ...mode, ...options);
      writer.kill("SIGINT");
      const { status, stderr } = await writer.end();
      expectEqual("status of loop-write", status, 130);
      expectEqual("stderr of loop-write", stderr, "");
      expectEqual("writer", loopStats(node).writer, 0);
      const frames = readCsv(written);
      frames.forEach(({ sequence }, i) => expectEqual("sequence", Number(sequence), i));
      const rows = readCsv(read);
      expectEqual("rows", rows.length, TOOL_FRAMES);
      const stamps = rows.map(({ stamp }) => Number(stamp));
      rows.forEach((row, i) => {
        expectEqual(`bytesused of row ${i}`, Number(row.bytesused), VGA_BYTES);
        expect(i === 0 || stamps[i] > stamps[i - 1], `row ${i}: ${stamps[i]} comes late`);
        if (row.sequence !== undefined) {
          const apart = Number(row.sequence) - Number(rows[0].sequence);
          expectEqual(`frames up to row ${i}, by sequence`, apart, stamps[i] - stamps[0]);
        } else {
          number.setUint32(0, stamps[i], true);
          expectEqual(`CRC of row ${i}`, Number(row.crc32), crc32(picture));
        }
      });
      const last = stamps[TOOL_FRAMES - 1];
      expect(last < frames.length, `frame ${last} of ${frames.length}`);
      const missed = last - stamps[0] - (TOOL_FRAMES - 1);
      return `${TOOL_FRAMES} of ${frames.length} frames in order, numbers as in the pixels, ` +
        `${missed} between missed; status 130, rows complete, the node free again`;
    });
  }
}
