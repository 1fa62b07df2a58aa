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
import { type Losses, outlive } from "../engine/lives.ts";

/** Waits inside VIDIOC_DQBUF for a frame that nobody sends, until SIGTERM and an end of the device. */
export function blockInDequeue(_: Record<string, never>): Promise<Losses> {
  const type = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
  const memory = v4l2.V4L2_MEMORY_MMAP;
  return outlive(Infinity, (_isOver, opened) => {
    using file = File.open(filter.videoNode(), O_RDWR);
    const request = v4l2.v4l2_requestbuffers.alloc({ count: 1, type, memory });
    ioctl(file, v4l2.VIDIOC_REQBUFS, request.bytes);
    const buffer = v4l2.v4l2_buffer.alloc({ type, memory });
    ioctl(file, v4l2.VIDIOC_QBUF, buffer.bytes);
    ioctl(file, v4l2.VIDIOC_STREAMON, new Uint8Array(Uint32Array.of(type).buffer));
    opened();
    ioctl(file, v4l2.VIDIOC_DQBUF, buffer.bytes);
    throw new Error("VIDIOC_DQBUF returned a frame that nobody sent");
  });
}

/**
 * Waits inside read(2) for metadata, and reads to the end of the file, until SIGTERM and an end of the
 * device; says when it has an entry.
 */
export async function blockInRead(
  _: Record<string, never>,
): Promise<Losses & { readonly entries: number }> {
  const batch = new IoBuffer(new Uint8Array(vpipe_meta_entry.size));
  batch.length = batch.bytes.length;
  let entries = 0;
  const losses = await outlive(Infinity, (_isOver, opened) => {
    using file = File.open(META, O_RDONLY);
    opened();
    for (;;) {
      const got = file.tryRead(batch);
      if (got < 0) throw new SysError(META, "read", -got);
      if (got === 0) return;
      if (entries++ === 0) console.log("entry");
    }
  });
  return { ...losses, entries };
}
