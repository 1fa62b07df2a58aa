import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../daemon/stream/messages.ts";
import { Waiting } from "../../daemon/stream/message_ring.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import { v4l2_ctrl_h264_sps } from "../../lib/uapi/v4l2_controls_h264.ts";
import { spsUnit } from "../../lib/codec/h264/sps_writer.ts";
import { Doubt } from "../../lib/ffmpeg/doubt.ts";
import { PacketHistory } from "../../lib/ffmpeg/packet_history.ts";
import {
  type Access,
  h263Access,
  h264Access,
  h264InOrder,
  hevcAccess,
  mpeg4Access,
  mpegAccess,
} from "../../lib/codec/random_access.ts";

const START = [0, 0, 1];

Deno.test("random access: the first picture decides, headers are none", () => {
  const cases: [(bytes: Uint8Array) => Access, number[][], Access][] = [
    [h264Access, [[0x67, 0, 0, 3, 1], [0x68]], "none"],
    [h264Access, [[0x67], [0x68], [0x65, 1], [0x41]], "key"],
    [h264Access, [[0x09], [0x41], [0x65]], "other"],
    [hevcAccess, [[0x40, 1], [0x42, 1], [0x44, 1]], "none"],
    [hevcAccess, [[0x40, 1], [0x26, 1]], "key"],
    [hevcAccess, [[0x2a, 1]], "open"],
    [hevcAccess, [[0x10, 1]], "leading"],
    [hevcAccess, [[0x02, 1]], "other"],
    [mpegAccess, [[0xb3, 9, 9], [0xb5, 9]], "none"],
    [mpegAccess, [[0xb3, 9, 9], [0xb8, 9], [0, 0, 1 << 3], [1, 9]], "open"],
    [mpegAccess, [[0, 0, 2 << 3]], "other"],
    [mpegAccess, [[0, 0, 3 << 3]], "leading"],
    [mpeg4Access, [[0xb0, 1], [0x20, 9]], "none"],
    [mpeg4Access, [[0xb3, 0, 0x10], [0xb6, 0x10]], "open"],
    [mpeg4Access, [[0xb6, 0x50]], "other"],
    [mpeg4Access, [[0xb6, 0x90]], "leading"],
  ];
  for (const [access, units, expected] of cases) {
    // A start code may have one zero more, and a packet may end in the middle of one.
    const bytes = [0, ...units.flatMap((unit) => [...START, ...unit]), 0, 0, 1];
    assertEquals(access(Uint8Array.from(bytes)), expected, `${access.name} of ${units.join(" ")}`);
  }
  assertEquals(h264Access(Uint8Array.of(0, 0, 2, 0, 0, 1)), "other");
});

/** What a history has of packets that are numbered as they come. */
function kept(...accesses: Access[]): number[] {
  const history = new PacketHistory();
  for (const [at, access] of accesses.entries()) history.add(Uint8Array.of(at), access);
  return Array.from({ length: history.length }, (_, at) => history.at(at)[0]);
}

Deno.test("packet history: from where decoding may begin", () => {
  assertEquals(kept("none", "other", "other"), []);
  assertEquals(kept("other", "key", "other", "none", "other"), [1, 2, 3, 4]);
  assertEquals(kept("key", "other", "key", "other"), [2, 3]);
  assertEquals(kept("leading", "open", "leading"), [1, 2]);
});

Deno.test("packet history: what leading pictures need stays until there are no more", () => {
  assertEquals(kept("key", "other", "open"), [0, 1, 2]);
  assertEquals(kept("key", "other", "open", "leading", "none"), [0, 1, 2, 3, 4]);
  assertEquals(kept("key", "other", "open", "leading", "other"), [2, 3, 4]);
  assertEquals(kept("key", "open", "open", "leading"), [1, 2, 3]);
  assertEquals(kept("open", "leading", "other", "open", "leading", "other"), [3, 4, 5]);
});

Deno.test("packet history: bounded by number and by bytes", () => {
  const history = new PacketHistory();
  const add = (size: number, access: Access) => history.add(new Uint8Array(size), access);
  add(1, "key");
  for (let i = 1; i < 600; i++) add(1, "other");
  assertEquals(history.length, 600);
  add(1, "other");
  assertEquals(history.length, 0);
  add(1, "other");
  assertEquals(history.length, 0);
  add(16 << 20, "key");
  add(16 << 20, "other");
  assertEquals(history.at(1).length, 16 << 20);
  add(1, "other");
  assertEquals(history.length, 0);
  add(3, "open");
  assertEquals([history.length, history.at(0).length], [1, 3]);
});

Deno.test("waiting: a ring in order, no more than there can be", () => {
  const waiting = new Waiting(3);
  for (let turn = 0; turn < 5; turn++) {
    waiting.push(turn, 1, 2 * turn, 3 * turn);
    waiting.push(turn + 100, 1, 0, 0);
    const { cookieLow, cookieHigh, index, size } = waiting;
    assertEquals([cookieLow, cookieHigh, index, size], [turn, 1, 2 * turn, 3 * turn]);
    waiting.shift();
    assertEquals(waiting.cookieLow, turn + 100);
    waiting.shift();
    assertEquals(waiting.length, 0);
  }
  for (let i = 0; i < 3; i++) {
    waiting.push(i, 0, 7 + i, 0);
    assertEquals(waiting.newestIndex, 7 + i);
  }
  waiting.pop();
  assertEquals([waiting.length, waiting.index, waiting.newestIndex], [2, 7, 8]);
  waiting.push(2, 0, 9, 0);
  assertThrows(() => waiting.push(3, 0, 0, 0), ProtocolError, "more than 3");
  waiting.clear();
  assertEquals(waiting.length, 0);
});

Deno.test("display order: an H.264 stream says whether it is the order of decoding", () => {
  const sps = v4l2_ctrl_h264_sps.alloc({ profile_idc: 77, level_idc: 30, chroma_format_idc: 1 });
  const bits = new BitWriter();
  for (const [type, expected] of [[0, false], [1, false], [2, true]] as const) {
    sps.pic_order_cnt_type = type;
    const unit = [...spsUnit(bits, sps)];
    const behind = [...START, 0x09, 0xf0, ...unit, ...START, 0x65, 1];
    assertEquals(h264InOrder(Uint8Array.from(behind)), expected, `type ${type}`);
    // What comes behind a picture is of the next one.
    assertEquals(h264InOrder(Uint8Array.from([...START, 0x41, 1, ...unit])), undefined);
  }
  assertEquals(h264InOrder(Uint8Array.from([...START, 0x67, 77])), undefined);
});

Deno.test("random access: H.263 says by its picture type", () => {
  const head = [0, 0, 0x80, 2];
  assertEquals(h263Access(Uint8Array.from([...head, 0b0000_1000, 0, 0, 0])), "key");
  assertEquals(h263Access(Uint8Array.from([...head, 0b0000_1010, 0, 0, 0])), "other");
  // PLUSPTYPE, with its first part and without.
  assertEquals(h263Access(Uint8Array.from([...head, 0b1_1100, 0x80, 0, 0b0000])), "key");
  assertEquals(h263Access(Uint8Array.from([...head, 0b1_1100, 0x80, 0, 0b0100])), "other");
  assertEquals(h263Access(Uint8Array.from([...head, 0b1_1100, 0b0000_0000, 0, 0])), "key");
  assertEquals(h263Access(Uint8Array.from([...head, 0b1_1100, 0b0001_0000, 0, 0])), "other");
});

/** Which frames, by their place, are doubtful. */
function doubtful(...frames: (Access | "lost")[]): number[] {
  const doubt = new Doubt();
  const found: number[] = [];
  for (const [at, frame] of frames.entries()) {
    if (frame === "lost") doubt.lose();
    else {
      doubt.add(at, frame, false);
      if (doubt.has(at)) found.push(at);
    }
  }
  return found;
}

Deno.test("doubt: from where frames are lost to the next random access point", () => {
  assertEquals(doubtful("key", "other", "leading", "other"), []);
  assertEquals(doubtful("other", "other", "key", "other"), [0, 1]);
  assertEquals(doubtful("key", "other", "lost", "other", "other", "key", "other"), [3, 4]);
  // A decoder leaves the first leading pictures out, unless it made something up before them.
  assertEquals(doubtful("open", "leading", "other"), []);
  assertEquals(doubtful("other", "open", "leading", "other", "leading"), [0, 2]);
  assertEquals(doubtful("open", "other", "open", "leading"), []);
});
