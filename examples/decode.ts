/**
 * A film through a V4L2 stateful decoder, to raw pictures: `deno run --allow-ffi --allow-read
 * --allow-write examples/decode.ts /dev/video0 film.ivf film.raw`
 *
 * @module
 */
import { readCodedFrames } from "../lib/ffmpeg/coded_frames.ts";
import { Poller, POLLIN, POLLOUT, POLLPRI } from "../lib/sys/mod.ts";
import { StatefulStream } from "../lib/v4l2/mod.ts";

const [path = "/dev/video0", film = "film.ivf", pictures = "film.raw"] = Deno.args;
const { codec, frames } = readCodedFrames(film);
const largest = Math.max(...frames.map(({ length }) => length));

using stream = new StatefulStream(path, { codec, buffers: 4, largest, format: undefined });
const ready = new Poller(stream.device, POLLIN | POLLOUT | POLLPRI);
using file = Deno.openSync(pictures, { create: true, write: true, truncate: true });
let [submitted, decoded] = [0, 0];
while (!stream.isOver) {
  while (submitted < frames.length && !stream.isFull) stream.submit(frames[submitted++]);
  if (submitted === frames.length) stream.end();
  const index = stream.dequeue();
  if (index < 0) {
    ready.wait(1000);
    continue;
  }
  for (const part of stream.pictures[index].parts) file.writeSync(part);
  stream.release(index);
  decoded++;
}
console.log(`${pictures}: ${decoded} pictures of ${stream.visible.width}x${stream.visible.height}`);
