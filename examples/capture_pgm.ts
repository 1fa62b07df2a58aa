/**
 * One picture of a camera as a PGM file: `deno run --allow-ffi --allow-write
 * examples/capture_pgm.ts /dev/video0 picture.pgm`
 *
 * @module
 */
import * as v4l2 from "../lib/uapi/mod.ts";
import { Poller, POLLIN } from "../lib/sys/mod.ts";
import { MmapQueue, VideoDevice } from "../lib/v4l2/mod.ts";

const [path = "/dev/video0", picture = "picture.pgm"] = Deno.args;
const type = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;

using camera = VideoDevice.open(
  path,
  v4l2.V4L2_CAP_VIDEO_CAPTURE | v4l2.V4L2_CAP_STREAMING,
  "camera",
);
const grey = { ...camera.getFormat(type), pixelformat: v4l2.V4L2_PIX_FMT_GREY };
const { width, height, bytesperline } = camera.setFormat(type, grey);

using queue = new MmapQueue(camera, type, 4);
for (const { index } of queue.buffers) queue.enqueue(index);
queue.streamOn();

const readable = new Poller(camera, POLLIN);
let index = queue.dequeue();
while (index < 0) {
  readable.wait(1000);
  index = queue.dequeue();
}

using file = Deno.openSync(picture, { create: true, write: true, truncate: true });
file.writeSync(new TextEncoder().encode(`P5\n${width} ${height}\n255\n`));
for (let line = 0; line < height; line++) {
  const from = line * bytesperline;
  file.writeSync(queue.mappings[index].bytes.subarray(from, from + width));
}
console.log(`${picture}: ${width}x${height}, frame ${queue.dequeued.sequence} of ${camera.card}`);
