/**
 * What a daemon's messages have that is to be 0: a kernel that takes anything there can never give it a
 * meaning.
 *
 * @module
 */
import { EINVAL } from "../../../lib/sys/errno.ts";
import * as uapi from "../../../lib/uapi/vpipe_dec.ts";
import type { Counter } from "../engine/counter.ts";
import type { StreamFile } from "./bridge.ts";

/** First and last byte of the header's reserved field. */
const HEADER = [12, 15];

const MESSAGES = {
  DONE: {
    type: uapi.VPIPE_DEC_MSG_DONE,
    struct: uapi.vpipe_dec_done,
    reserved: [...HEADER, 44, 47],
  },
  FORMAT: {
    type: uapi.VPIPE_DEC_MSG_FORMAT,
    struct: uapi.vpipe_dec_format,
    reserved: [...HEADER, 52, 55],
  },
  PICTURE: {
    type: uapi.VPIPE_DEC_MSG_PICTURE,
    struct: uapi.vpipe_dec_picture,
    reserved: HEADER,
  },
  DRAINED: { type: uapi.VPIPE_DEC_MSG_DRAINED, struct: uapi.vpipe_dec_header, reserved: HEADER },
};

/** Where the bytes of a plane are in DONE and PICTURE. */
export const BYTESUSED = [32, 36, 40];

/**
 * Sends a message that is right but for one byte that is not 0, each once; all have to be refused.
 *
 * @param values what makes it right, beside its cookie
 * @param unused bytes that are to be 0 as well, because of what the message is about
 */
export function expectReserved(
  counter: Counter,
  stream: StreamFile,
  name: keyof typeof MESSAGES,
  cookie: bigint,
  { values = {}, unused = [] as readonly number[] } = {},
): void {
  const { type, struct, reserved } = MESSAGES[name];
  const { size } = struct;
  const head = { version: uapi.VPIPE_DEC_VERSION, type, size, stream: stream.id, cookie };
  for (const at of [...reserved, ...unused]) {
    const { bytes } = struct.alloc({ ...head, ...values });
    bytes[at] = 1;
    counter.refused(`${name} with byte ${at} set`, stream.write(bytes), EINVAL);
  }
}
