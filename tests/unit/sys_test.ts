import { assert, assertEquals, assertThrows } from "@std/assert";
import { readFile } from "../../lib/files/files.ts";
import { absoluteNs, monotonicNs, sleepUntil } from "../../lib/sys/clock.ts";
import { deviceNumber } from "../../lib/sys/device_number.ts";
import { EAGAIN, ENOTTY, SysError } from "../../lib/sys/errno.ts";
import { ThreadCounters } from "../../lib/sys/counters.ts";
import { File, IoBuffer, O_NONBLOCK, O_RDONLY } from "../../lib/sys/file.ts";
import { ioctl, tryIoctl } from "../../lib/sys/ioctl.ts";
import { libc } from "../../lib/sys/libc.ts";
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_WRITE } from "../../lib/sys/mmap.ts";
import { _IO, _IOR, _IOW, _IOWR } from "../../lib/uapi/ioctl_number.ts";
import {
  PERF_COUNT_SW_PAGE_FAULTS,
  PERF_COUNT_SW_TASK_CLOCK,
  PERF_TYPE_SOFTWARE,
} from "../../lib/uapi/perf_event.ts";
import { n64, s32, struct, text, u16, u32, u64 } from "../../lib/uapi/struct.ts";
import { fourcc, fourccText } from "../../lib/uapi/videodev2.ts";

Deno.test("struct: fields lie where they are declared", () => {
  const layout = struct("struct test", 40, {
    half: u16(2),
    word: u32(4),
    signed: s32(8),
    exact: u64(16),
    length: n64(24),
    name: text(32, 8),
  });
  const view = layout.alloc({ half: 0x1234, word: 0xffff_fffe, signed: -2 });
  view.exact = 0xfedc_ba98_7654_3210n;
  view.length = 2 ** 40 + 3;
  view.name = "too long a name";
  assertEquals(
    [view.half, view.word, view.signed, view.exact, view.length, view.name],
    [0x1234, 0xffff_fffe, -2, 0xfedc_ba98_7654_3210n, 2 ** 40 + 3, "too lon"],
  );
  assertEquals([...view.bytes.subarray(0, 8)], [0, 0, 0x34, 0x12, 0xfe, 0xff, 0xff, 0xff]);
  assertEquals(view.bytes[39], 0, "text keeps its NUL");
});

Deno.test("struct: a view writes into the bytes it was given", () => {
  const layout = struct("struct test", 4, { value: u32(0) });
  const bytes = new Uint8Array(8);
  layout.at(bytes, 4).value = 0x01020304;
  assertEquals([...bytes], [0, 0, 0, 0, 4, 3, 2, 1]);
});

Deno.test("ioctl numbers: direction, size, type and number", () => {
  // linux/videodev2.h and linux/dma-buf.h, as a C compiler prints them.
  assertEquals(_IOR("V", 0, 104), 0x80685600);
  assertEquals(_IOW("V", 18, 4), 0x40045612);
  assertEquals(_IOWR("V", 15, 88), 0xc058560f);
  assertEquals(_IO("V", 70), 0x5646);
});

Deno.test("fourcc: there and back", () => {
  assertEquals(fourcc("GREY"), 0x59455247);
  assertEquals(fourccText(fourcc("GREY")), "GREY");
});

Deno.test("errors: subject, call, reason and errno's name", () => {
  using zero = File.open("/dev/zero", O_RDONLY);
  const nothing = { name: "VIDIOC_TEST", request: _IO("V", 255) };
  const error = assertThrows(() => ioctl(zero, nothing, new Uint8Array(4)), SysError);
  assertEquals(
    error.message,
    "/dev/zero: VIDIOC_TEST: Inappropriate ioctl for device (ENOTTY)",
  );
  assertEquals(tryIoctl(zero.fd, nothing.request, new Uint8Array(4)), -ENOTTY);
  assertEquals(
    new SysError("fifo", "read", EAGAIN).message,
    "fifo: read: Resource temporarily unavailable (EAGAIN)",
  );
  assertThrows(
    () => File.open("/nowhere", O_RDONLY),
    SysError,
    "/nowhere: open: No such file or directory (ENOENT)",
  );
});

Deno.test("read: into the target, as far as its length, and EAGAIN where nothing is there", () => {
  const target = new IoBuffer(new Uint8Array(16).fill(7));
  {
    using zero = File.open("/dev/zero", O_RDONLY);
    target.length = 3;
    assertEquals(zero.tryRead(target), 3);
    assertEquals([...target.bytes.subarray(0, 5)], [0, 0, 0, 7, 7]);
    target.length = 1000;
    assertEquals(zero.tryRead(target), 16);
  }
  const path = Deno.makeTempDirSync() + "/fifo";
  new Deno.Command("mkfifo", { args: [path] }).outputSync();
  using fifo = File.open(path, O_RDONLY | O_NONBLOCK);
  using _writer = Deno.openSync(path, { write: true });
  assertEquals(fifo.tryRead(target), -EAGAIN);
});

Deno.test("clock: sleeps until a time, and not for one that has passed", () => {
  // A machine may stand still now and then: never early, and once in time.
  const isOnce = (inTime: () => boolean) => Array.from({ length: 50 }).some(inTime);
  // The second in between two whole ones as well.
  for (const wait of [3e6, 0.4e9]) {
    const sleeps = () => {
      const due = monotonicNs() + wait + 0.5;
      sleepUntil(due);
      const late = monotonicNs() - due;
      assert(late >= 0, `${-late} ns early`);
      return late < 0.2e9;
    };
    assert(isOnce(sleeps), `late by 0.2 s each time, of ${wait} ns`);
  }
  const passes = () => {
    const before = monotonicNs();
    sleepUntil(before - 1e9);
    return monotonicNs() - before < 0.2e9;
  };
  assert(isOnce(passes), "it sleeps until a time that has passed");
});

Deno.test("clock: goes forward, and absolute nanoseconds are the kernel's", () => {
  const text = new TextDecoder().decode(readFile("/proc/uptime"));
  const uptime = Number(text.split(" ")[0]);
  const before = monotonicNs();
  const after = monotonicNs();
  assert(after >= before);
  const absolute = Number(absoluteNs(after)) / 1e9;
  // Uptime counts suspended time and CLOCK_MONOTONIC does not, so only one side is bounded.
  assert(absolute <= uptime + 1 && absolute > 0, `${absolute} s and ${uptime} s`);
  assertEquals(absoluteNs(5e9 + 7).slice(-9), "000000007");
});

Deno.test("device number: as sysfs has it, not the path's", () => {
  using zero = File.open("/proc/self/root/dev/zero", O_RDONLY);
  assertEquals(deviceNumber(zero), "1:5");
});

Deno.test("counters: what the thread did between two looks, in one group; NaN of what cannot be counted", () => {
  const none = 99;
  using counters = new ThreadCounters([
    [none, 0],
    [PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK],
    [PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS],
  ]);
  const begun = monotonicNs();
  // Fresh memory of the kernel's, each page of which faults; V8 would take some that was used before.
  const size = 64 * 4096;
  const at = libc.mmap(null, BigInt(size), PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0n)!;
  const memory = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(at, size));
  for (let page = 0; page < size; page += 4096) memory[page] = 1;
  counters.read();
  const whole = monotonicNs() - begun;
  libc.munmap(at, BigInt(size));
  const [unknown, clock, faults] = counters.added;
  assert(Number.isNaN(unknown));
  if (Number.isNaN(clock)) return; // A kernel without, or a user who may not.
  assert(clock > 0 && clock < whole + 1e6, `${clock} of ${whole} ns`);
  assert(faults >= size / 4096, `${faults} faults`);
});

Deno.test("counters: where nothing can be counted no call is made, and all is NaN", () => {
  using counters = new ThreadCounters([[99, 0]]);
  counters.read();
  assertEquals([...counters.added], [NaN]);
});
