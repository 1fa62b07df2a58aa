/**
 * A film through a V4L2 stateful decoder, to raw pictures: `deno run --allow-ffi --allow-read
 * examples/decode.ts /dev/video0 film.ivf film.raw`
 *
 * @module
 */
import { FrameFile } from "../lib/files/frame_file.ts";
import { readCodedFrames } from "../lib/ffmpeg/coded_frames.ts";
import { Poller, POLLIN, POLLOUT, POLLPRI } from "../lib/sys/mod.ts";
import { StatefulStream } from "../lib/v4l2/mod.ts";
import { inOneLine } from "./one_line.ts";

const [path = "/dev/video0", film = "film.ivf", pictures = "film.raw"] = Deno.args;

await inOneLine(() => {
  const { codec, frames, broken } = readCodedFrames(film);
  if (frames.length === 0) throw broken ?? new Error(`${film}: holds no frame`);
  const largest = Math.max(...frames.map(({ length }) => length));

  using stream = new StatefulStream(path, { codec, buffers: 4, largest, format: undefined });
  const ready = new Poller(stream.device, POLLIN | POLLOUT | POLLPRI);
  using file = new FrameFile(pictures);
  let [submitted, decoded] = [0, 0];
  while (!stream.isOver) {
    while (submitted < frames.length && !stream.isFull) stream.submit(frames[submitted++]);
    if (submitted === frames.length) stream.end();
    const index = stream.dequeue();
    if (index < 0) {
      ready.wait(1000);
      continue;
    }
    file.append(stream.pictures[index]);
    stream.release(index);
    decoded++;
  }
  const { width, height } = stream.visible;
  console.log(`${pictures}: ${decoded} pictures of ${width}x${height}`);
  if (broken !== undefined) throw broken;
});
