/**
 * A virtual camera: a grey gradient that moves, 25 times a second, for every program that reads the
 * node: `deno run --allow-ffi examples/virtual_camera.ts /dev/video0`, after `modprobe vpipe-loop`.
 * Behind the node may stand how many frames. Browsers want another format than GREY.
 *
 * @module
 */
import * as v4l2 from "../lib/uapi/mod.ts";
import { Poller, POLLOUT } from "../lib/sys/mod.ts";
import { MmapQueue, VideoDevice } from "../lib/v4l2/mod.ts";
import { inOneLine } from "./one_line.ts";

const [path = "/dev/video0", frames = "Infinity"] = Deno.args;
const type = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;

await inOneLine(async () => {
  if (!(Number(frames) > 0)) throw new Error(`frames must be a number from 1, not "${frames}"`);
  using node = VideoDevice.open(path, v4l2.V4L2_CAP_VIDEO_OUTPUT, "node that takes frames");
  const pixelformat = v4l2.V4L2_PIX_FMT_GREY;
  const { width, sizeimage } = node.setFormat(type, { width: 640, height: 480, pixelformat });
  node.setFrameInterval(type, { numerator: 1, denominator: 25 });

  using queue = new MmapQueue(node, type, 4);
  const writable = new Poller(node, POLLOUT);
  for (let frame = 0; frame < Number(frames); frame++) {
    let index = frame < queue.buffers.length ? frame : queue.dequeue();
    while (index < 0) {
      writable.wait(1000);
      index = queue.dequeue();
    }
    const { bytes } = queue.mappings[index];
    for (let at = 0; at < sizeimage; at++) bytes[at] = at % width + frame;
    queue.enqueue(index, sizeimage);
    if (frame === 0) queue.streamOn();
    // A camera has its own clock; signals are heard meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
});
