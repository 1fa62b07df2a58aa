import { assert, assertEquals, assertThrows } from "@std/assert";
import { Assembly } from "../../daemon/rebuild/access_unit_buffer.ts";
import { memoryForPictures } from "../../daemon/session/memory.ts";
import type { Log } from "../../daemon/stream/log.ts";
import { EPIPE } from "../../daemon/stream/messages.ts";
import { StreamMemory } from "../../daemon/stream/stream_memory.ts";
import { Av1Sizes } from "../../lib/codec/av1/sizes.ts";
import { readStream } from "../../lib/codec/stream.ts";
import type { CodecName } from "../../lib/codec/codecs.ts";
import { AVERROR_ENOMEM, AVFRAME } from "../../lib/ffmpeg/abi/avutil.ts";
import { Allowance } from "../../lib/ffmpeg/allowance.ts";
import { PacketHistory } from "../../lib/ffmpeg/packet_history.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { PictureMemory } from "../../lib/ffmpeg/picture_memory.ts";
import { EDQUOT } from "../../lib/sys/errno.ts";
import type { File } from "../../lib/sys/file.ts";
import { VPIPE_DEC_IOC_MEMORY, vpipe_dec_memory } from "../../lib/uapi/vpipe_dec.ts";
import { fakeIoctl, on } from "./fake_ioctl.ts";

/** A decoder that asks for pictures of 4:2:0, and the memory that it is granted. */
class Asking implements Disposable {
  readonly #frame = new Int32Array(AVFRAME.size >> 2);
  readonly #pointer = Deno.UnsafePointer.of(this.#frame);
  readonly memory: PictureMemory;
  limit = Infinity;
  granted = 0;
  #address = 0;
  /** How often FFmpeg's own allocation was called. */
  allocations = 0;

  constructor(codec: CodecName) {
    const ffmpeg = {
      avcodec: {
        avcodec_default_get_buffer2: () => {
          this.allocations++;
          this.#frame[AVFRAME.data >> 2] = this.#address;
          return 0;
        },
      },
      avutil: {
        av_image_copy_plane: (to: Deno.PointerObject, size: number, from: Deno.PointerObject) => {
          const bytes = (pointer: Deno.PointerObject) =>
            new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, size));
          bytes(to).set(bytes(from));
        },
        av_image_get_buffer_size: (_: number, width: number, height: number) =>
          width * height * 3 / 2,
      },
    };
    this.memory = new PictureMemory(ffmpeg as unknown as Ffmpeg, codec, (bytes) => {
      if (bytes > this.limit) return false;
      this.granted = bytes;
      return true;
    });
  }

  /** @returns whether there is memory for a picture of this size, at an address of the pool */
  ask(side: number, address: number): boolean {
    this.#frame[AVFRAME.width >> 2] = side;
    this.#frame[AVFRAME.height >> 2] = side;
    this.#address = address;
    const code = this.memory.allocate(null, this.#pointer, 0);
    assert(code === 0 || code === AVERROR_ENOMEM);
    return code === 0;
  }

  [Symbol.dispose](): void {
    this.memory[Symbol.dispose]();
  }
}

/** Of a picture of H.264: 4:2:0, and 9/16 beside that. */
const h264 = (side: number) => side * side * (3 / 2 + 9 / 16);

Deno.test("PictureMemory: each picture of the pool counts once, and one more that may be new", () => {
  const asking = new Asking("h264");
  for (const address of [1, 2, 3, 1, 2, 3, 2]) assert(asking.ask(64, address));
  assertEquals(asking.granted, 4 * h264(64));
  asking.memory[Symbol.dispose]();
  assertEquals(asking.granted, 0);
});

Deno.test("PictureMemory: what is refused is not allocated, and what there is stays", () => {
  using asking = new Asking("h264");
  asking.limit = 3.5 * h264(64);
  for (const address of [1, 2]) assert(asking.ask(64, address));
  assert(asking.memory.admits(new Uint8Array()) && asking.ask(64, 3));
  const { allocations } = asking;
  assert(!asking.ask(64, 4));
  assertEquals([asking.allocations, asking.granted], [allocations, 3 * h264(64)]);
  assert(asking.memory.refused);
  asking.memory.admits(new Uint8Array());
  assert(!asking.memory.refused);
  asking.limit = 4 * h264(64);
  assert(asking.ask(64, 4));
});

Deno.test("PictureMemory: pictures of another size come on top, until the others are gone", () => {
  using asking = new Asking("h264");
  for (const address of [1, 2]) assert(asking.ask(128, address));
  assert(asking.ask(64, 1));
  assertEquals(asking.granted, 2 * h264(128) + h264(64));
  for (let i = 0; i < 40; i++) assert(asking.ask(64, 1 + i % 3));
  assertEquals(asking.granted, 4 * h264(64));
  // Behind a flush they are gone at once.
  asking.memory.flush();
  assert(asking.ask(32, 1));
  assertEquals(asking.granted, h264(32));
});

Deno.test("PictureMemory: sizes that change with each frame take no more than a decoder keeps", () => {
  using asking = new Asking("vp9");
  for (let i = 0; i < 100; i++) assert(asking.ask(64 - i % 2, i));
  assertEquals(asking.granted, 13 * 64 * 64 * (3 / 2 + 3 / 16));
  // A golden frame may be as old as the stream.
  for (let i = 0; i < 100; i++) assert(asking.ask(32, 1));
  assert(asking.granted > 12 * 64 * 64 * 3 / 2);
});

const av1 = (
  name: string,
) => [...readStream(Deno.readFileSync(new URL(`../../fixtures/streams/${name}`, import.meta.url)))];

Deno.test("PictureMemory: AV1 by its headers, before anything is decoded", () => {
  using asking = new Asking("av1");
  const [first, second] = av1("av1-320x240.ivf");
  const bytes = 10 * 320 * 240 * (3 / 2 + 1 / 8);
  asking.limit = bytes - 1;
  assert(!asking.memory.admits(first.data) && asking.memory.refused);
  asking.limit = bytes;
  assert(asking.memory.admits(first.data) && asking.memory.admits(second.data));
  // What libaom gives out is among them.
  assert(asking.ask(320, 1));
  assertEquals(asking.granted, bytes);
});

Deno.test("Av1Sizes: the largest frame of each temporal unit", () => {
  const sizes = new Av1Sizes();
  const units = av1("av1-resize.ivf");
  const keys = units.map(({ data, sequence: { width, height }, key }) => {
    assertEquals(sizes.read(data), key);
    assertEquals([sizes.pixels, sizes.bytesPerPixel], [width * height, 3 / 2]);
    return key;
  });
  assert(keys.includes(true));
  sizes.read(av1("av1-10bit.ivf")[0].data);
  assertEquals(sizes.bytesPerPixel, 3);
  sizes.read(Uint8Array.of(0x32, 0x40));
  assertEquals(sizes.pixels, 0);
});

Deno.test("StreamMemory: what is refused is logged once a START, if it can be", () => {
  const answers = [0, -EDQUOT, -EDQUOT, -EDQUOT, -EPIPE];
  using _kernel = fakeIoctl(
    on(VPIPE_DEC_IOC_MEMORY, vpipe_dec_memory, (memory) => {
      memory.available = 2 << 20;
      return answers.shift()!;
    }),
  );
  const lines: unknown[] = [];
  const warning = (...line: unknown[]) => {
    lines.push(line);
    throw new Error("no space left");
  };
  const memory = new StreamMemory({ warning } as unknown as Log, 7, { fd: -1 } as File);
  assert(memory.allow(1));
  assert(!memory.allow(3 << 20) && !memory.allow(3 << 20));
  assertEquals(lines, [["no-memory", { stream: 7, wanted_mib: 3, left_mib: 2, of: "its user" }]]);
  memory.begin();
  assert(!memory.allow(3 << 20));
  assertEquals(lines.length, 2);
  // The stream is over.
  assert(memory.allow(3 << 20));
});

Deno.test("memoryForPictures: what cgroups let the daemon have, or half the machine", () => {
  const given = (files: Record<string, string>) => memoryForPictures((path) => files[path]);
  const meminfo = { "/proc/meminfo": "MemFree: 5 kB\nMemTotal:       4000 kB\n" };
  assertEquals(given({}), 0);
  assertEquals(given(meminfo), 1500 * 1024);
  const service = "/sys/fs/cgroup/system.slice/decoder-daemon.service/";
  const unit = { ...meminfo, "/proc/self/cgroup": "0::/system.slice/decoder-daemon.service\n" };
  const limits = { [`${service}memory.high`]: "400000\n", [`${service}memory.max`]: "500000\n" };
  assertEquals(given({ ...unit, ...limits }), 300000);
  assertEquals(given({ ...unit, [`${service}memory.max`]: "max\n" }), 1500 * 1024);
  // A limit above it counts too, as one of a container does.
  assertEquals(given({ ...unit, ...limits, "/sys/fs/cgroup/memory.max": "80000\n" }), 60000);
  const slice = { "/sys/fs/cgroup/system.slice/memory.max": "40000\n" };
  assertEquals(given({ ...unit, ...limits, ...slice }), 30000);
});

Deno.test("PictureMemory: a size that was refused is not the decoder's, nor takes anything's place", () => {
  using asking = new Asking("h264");
  asking.limit = 6 * h264(64);
  for (const address of [1, 2]) assert(asking.ask(64, address));
  assert(!asking.ask(1024, 1));
  for (const address of [1, 2, 1]) assert(asking.ask(64, address));
  assertEquals(asking.granted, 3 * h264(64));
  // FFmpeg's pool is as it was: what is free in it is still there.
  asking.memory.flush();
  assert(!asking.ask(1024, 1) && asking.ask(64, 1));
  assertEquals(asking.granted, 3 * h264(64));
});

Deno.test("memoryForPictures: a cgroup that may have nothing is not one without a limit", () => {
  const files: Record<string, string> = {
    "/proc/self/cgroup": "0::/\n",
    "/sys/fs/cgroup/memory.high": "0\n",
  };
  assertEquals(memoryForPictures((path) => files[path]), 1);
  files["/sys/fs/cgroup/memory.high"] = "1\n";
  assertEquals(memoryForPictures((path) => files[path]), 1);
});

Deno.test("Allowance: its parts have one limit, and give back what is theirs", () => {
  let granted = 0;
  const allowance = new Allowance((bytes) => bytes <= 10 && (granted = bytes) === bytes);
  const [coded, pictures] = [allowance.part(), allowance.part()];
  assert(coded(4) && pictures(6));
  assert(!coded(5) && !pictures(7));
  assertEquals(granted, 10);
  assert(pictures(5) && coded(5));
  assert(coded(0));
  assertEquals(granted, 5);
  assert(pictures(10) && pictures(0));
  assertEquals(granted, 0);
});

Deno.test("Assembly: long frames are asked for, and what is refused leaves it as it is", () => {
  let granted = 0;
  using assembly = new Assembly((bytes) => bytes <= 256 << 10 && (granted = bytes) === bytes);
  assembly.add(new Uint8Array(64 << 10).fill(1));
  assertEquals(granted, 0);
  assembly.add(new Uint8Array(100 << 10).fill(2));
  assertEquals(granted, 256 << 10);
  assert(!assembly.reserve(100 << 10));
  assertThrows(() => assembly.add(new Uint8Array(100 << 10)), Error, "no memory");
  assertEquals([assembly.size, assembly.bytes[0], assembly.bytes.at(-1)], [164 << 10, 1, 2]);
  assembly[Symbol.dispose]();
  assertEquals(granted, 0);
});

Deno.test("PacketHistory: without memory for it there is none", () => {
  using history = new PacketHistory((bytes) => bytes <= 2 << 20);
  history.add(new Uint8Array(1 << 20), "key");
  history.add(new Uint8Array(1 << 20), "other");
  assertEquals(history.length, 2);
  history.add(Uint8Array.of(1), "other");
  assertEquals(history.length, 0);
});
