/**
 * Processes that wait for a device which goes away under them.
 *
 * @module
 */
import { SysError } from "../../../lib/sys/errno.ts";
import { File, IoBuffer, O_RDONLY, O_RDWR } from "../../../lib/sys/file.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { vpipe_meta_entry } from "../../../lib/uapi/vpipe.ts";
import { META } from "../../harness/context.ts";
import { filter } from "../../harness/nodes.ts";
import { outlive } from "../engine/lives.ts";

/** What the worker is to do. */
export interface HotplugOrder {
  readonly seconds: number;
}

/** Waits inside VIDIOC_DQBUF for a frame that nobody sends. */
export async function blockInDequeue({ seconds }: HotplugOrder): Promise<{ losses: number }> {
  const type = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
  const memory = v4l2.V4L2_MEMORY_MMAP;
  const losses = await outlive(seconds, () => {
    using file = File.open(filter.videoNode(), O_RDWR);
    const request = v4l2.v4l2_requestbuffers.alloc({ count: 1, type, memory });
    ioctl(file, v4l2.VIDIOC_REQBUFS, request.bytes);
    const buffer = v4l2.v4l2_buffer.alloc({ type, memory });
    ioctl(file, v4l2.VIDIOC_QBUF, buffer.bytes);
    ioctl(file, v4l2.VIDIOC_STREAMON, new Uint8Array(Uint32Array.of(type).buffer));
    ioctl(file, v4l2.VIDIOC_DQBUF, buffer.bytes);
    throw new Error("VIDIOC_DQBUF returned a frame that nobody sent");
  });
  return { losses };
}

/** Waits inside read(2) for metadata, and reads to the end of the file. */
export async function blockInRead(
  { seconds }: HotplugOrder,
): Promise<{ losses: number; entries: number }> {
  const batch = new IoBuffer(new Uint8Array(vpipe_meta_entry.size));
  batch.length = batch.bytes.length;
  let entries = 0;
  const ends = await outlive(seconds, () => {
    using file = File.open(META, O_RDONLY);
    for (;; entries++) {
      const got = file.tryRead(batch);
      if (got < 0) throw new SysError(META, "read", -got);
      if (got === 0) return;
    }
  });
  return { losses: ends, entries };
}
