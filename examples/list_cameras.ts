/**
 * All cameras, with their formats, sizes and frame rates:
 * `deno run --allow-ffi --allow-read examples/list_cameras.ts`
 *
 * @module
 */
import { cameraLines, cameras } from "../lib/v4l2/mod.ts";
import { inOneLine } from "./one_line.ts";

await inOneLine(() => {
  let found = 0;
  for (const camera of cameras()) {
    found++;
    for (const line of cameraLines(camera)) console.log(line);
  }
  if (found === 0) throw new Error("no camera: /dev/video* has none, or none that may be opened");
});
