/**
 * One picture of a camera as a PGM file: `deno run --allow-ffi examples/capture_pgm.ts /dev/video0
 * picture.pgm`
 *
 * @module
 */
import * as v4l2 from "../lib/uapi/mod.ts";
import { writePgm } from "../lib/files/pgm_files.ts";
import { Poller, POLLIN } from "../lib/sys/mod.ts";
import { MmapQueue, VideoDevice } from "../lib/v4l2/mod.ts";
import { inOneLine } from "./one_line.ts";

const [path = "/dev/video0", picture = "picture.pgm"] = Deno.args;
const type = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
const PATIENCE_MS = 10_000;

await inOneLine(() => {
  using camera = VideoDevice.open(
    path,
    v4l2.V4L2_CAP_VIDEO_CAPTURE | v4l2.V4L2_CAP_STREAMING,
    "camera",
  );
  const grey = { ...camera.getFormat(type), pixelformat: v4l2.V4L2_PIX_FMT_GREY, sizeimage: 0 };
  const { width, height, bytesperline } = camera.setFormat(type, grey);

  using queue = new MmapQueue(camera, type, 4);
  for (const { index } of queue.buffers) queue.enqueue(index);
  queue.streamOn();

  const events = new Poller(camera, POLLIN).wait(PATIENCE_MS);
  const index = events === 0 ? -1 : queue.dequeue();
  if (index < 0) throw new Error(`${path}: no frame within ${PATIENCE_MS / 1000} s`);

  const pixels = new Uint8Array(width * height);
  for (let line = 0; line < height; line++) {
    const from = line * bytesperline;
    pixels.set(queue.mappings[index].bytes.subarray(from, from + width), line * width);
  }
  writePgm(picture, { width, height, pixels });
  console.log(`${picture}: ${width}x${height}, frame ${queue.dequeued.sequence} of ${camera.card}`);
});
