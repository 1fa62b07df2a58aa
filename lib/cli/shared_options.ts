/**
 * Parameters that several tools take.
 *
 * @module
 */
import { MAX_SIDE } from "../image/pgm.ts";
import { PIXEL_FORMATS, type PixelFormat, pixelFormat } from "../image/pixel_format.ts";
import type { Rectangle } from "../image/rectangle.ts";
import { WHOLE_FRAME } from "../image/threshold.ts";
import { VPIPE_LOOP_MAX_SIZE } from "../uapi/vpipe_loop.ts";
import {
  choice,
  flag,
  integer,
  integers,
  number,
  outputPath,
  type Parameter,
  path,
  UsageError,
} from "./parameters.ts";

const REGION_TUPLE = integers(
  "LEFT,TOP,WIDTH,HEIGHT",
  "region in pixels; without it the whole frame",
  { count: 4, separator: ",", min: 0, max: MAX_SIDE, fallback: [0, 0, 0, 0] },
);

/** `--roi` */
export const REGION: Parameter<Rectangle> = {
  ...REGION_TUPLE,
  fallback: WHOLE_FRAME,
  parse(text) {
    const [left, top, width, height] = REGION_TUPLE.parse(text);
    return { left, top, width, height };
  },
};

export const HEAP = path(
  "HEAP",
  "dma-heap to allocate from, such as /dev/dma_heap/system, or /dev/udmabuf, or /dev/dri/cardN",
);

/** The filter's algorithms, by name. */
export const ALGORITHM = choice("ALGO", "what the filter does: none (copy) or threshold", [
  "none",
  "threshold",
]);

/** Where no pixel is compared with it. */
export const NO_THRESHOLD = "a threshold is for the algorithm threshold, and none copies";

export const THRESHOLD = integer("THRESHOLD", "grey level above which a pixel turns white", {
  max: 255,
  fallback: 127,
});

// Starting up takes longer than four buffers of a camera last on a slow machine, and the loop is
// compiled after some 30 turns.
/** `--warm-up`, of tools that wait for a camera. */
export const WARM_UP = integer("FRAMES", "frames to take before the first one recorded", {
  fallback: 60,
});

/** `--buffers` */
export const BUFFERS = integer("N", "buffers to ask for on each queue", {
  min: 2,
  max: 32,
  fallback: 4,
});

export const CSV = outputPath("CSV", "file to write, one row a frame");

export const FRAMES = integer("FRAMES", "frames to record", { min: 1, fallback: 600 });

/** FRAMES of a tool with an optional parameter before it. */
export const FRAMES_NEEDED: Parameter<number> = { ...FRAMES, fallback: undefined };

export const TIMEOUT = number("SECONDS", "give up when no frame comes for so long", {
  min: 0.1,
  max: 86400,
  fallback: 10,
});

/** `--size`; `without` says what it is without. */
export function frameSize(without: string, fallback?: readonly number[]) {
  return integers("WIDTHxHEIGHT", `frame size in pixels; without it ${without}`, {
    count: 2,
    separator: "x",
    min: 1,
    max: VPIPE_LOOP_MAX_SIZE,
    fallback,
  });
}

/** `--format`; `without` says what it is without. */
export function frameFormat(without: string, fallback?: PixelFormat): Parameter<PixelFormat> {
  const names = PIXEL_FORMATS.map(({ name }) => name);
  const name = choice("FORMAT", `${names.join(", ")}; without it ${without}`, names);
  return { ...name, fallback, parse: (text) => pixelFormat(name.parse(text))! };
}

/** `--format` of tools that move frames of any kind: a name of ours or a fourcc, as it was written. */
export function anyFormat(without: string): Parameter<string> {
  const names = PIXEL_FORMATS.map(({ name }) => name).join(", ");
  return {
    metavar: "FORMAT",
    help: `${names}, or a fourcc as v4l2-ctl prints it; without it ${without}`,
    parse(text) {
      if (pixelFormat(text.toLowerCase()) || /^[!-~][ -~]{0,3}(-BE)?$/i.test(text)) return text;
      throw new UsageError(`must be ${names} or a fourcc, not "${text}"`);
    },
  };
}

/** `--heap` */
export const HEAP_OPTION: Parameter<string> = {
  ...path("HEAP", "dma-heap for DMABUF, or /dev/udmabuf, or /dev/dri/cardN"),
  fallback: "/dev/dma_heap/system",
};

/** `--stamp` of tools that read frames. */
export const STAMP = flag("one more column, stamp: the number that loop-write --stamp put there");
