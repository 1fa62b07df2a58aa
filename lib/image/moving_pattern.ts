/**
 * Test pictures that move, in any format whose bytes are samples: two rows up a frame.
 *
 * All of the movement is painted once into planes that are taller than the frame; a frame is one
 * copy a plane out of them.
 *
 * @module
 */
import { FormatError } from "./image.ts";
import { patterns } from "./patterns.ts";
import {
  isDrawable,
  type PixelFormat,
  planeBytes,
  type PlaneLayout,
  rowBytes,
} from "./pixel_format.ts";

/** A colour's samples by the letters of `PlaneLayout.samples`. */
type Colour = Readonly<Record<string, number>>;

const colour = (
  [Y, U, V]: readonly number[],
  [R, G, B]: readonly number[],
): Colour => ({ Y, y: Y, U, V, R, G, B, A: 255, 0: 0 });

/** 75 % colour bars; Y'CbCr after ITU-R BT.601. */
const BARS: readonly Colour[] = [
  colour([180, 128, 128], [191, 191, 191]),
  colour([162, 44, 142], [191, 191, 0]),
  colour([131, 156, 44], [0, 191, 191]),
  colour([112, 72, 58], [0, 191, 0]),
  colour([84, 184, 198], [191, 0, 191]),
  colour([65, 100, 212], [191, 0, 0]),
  colour([35, 212, 114], [0, 0, 191]),
  colour([16, 128, 128], [0, 0, 0]),
];
const BAR_ROWS = 16;

// A frame is two rows further, or as many as one row of chroma stands for.
const STEP_ROWS = 2;
const PERIOD_ROWS = BARS.length * BAR_ROWS;

const GREYS = Array.from(
  { length: 256 },
  (_, level) => colour([level, 128, 128], [level, level, level]),
);

type Paint = (x: number, y: number) => Colour;

function paintOf(name: string, width: number, height: number): Paint {
  if (name === "bars") return (_x, y) => BARS[Math.floor(y / BAR_ROWS) % BARS.length];
  const { pixels } = patterns[name](width, height);
  return (x, y) => GREYS[pixels[y * width + x]];
}

/** Names of the pictures: colour bars, and the grey ones of `patterns.ts`. */
export const MOVING_PATTERNS: readonly string[] = ["bars", ...Object.keys(patterns)];

/** A plane of `height` rows of the picture. */
function paintPlane(plane: PlaneLayout, paint: Paint, width: number, height: number): Uint8Array {
  const { samples, across, down } = plane;
  const bytes = new Uint8Array(planeBytes(plane, width, height));
  let at = 0;
  for (let y = 0; y < height; y += down) {
    for (let x = 0; x < width; x += across) {
      for (const sample of samples) {
        // The last group of an odd width has no pixel to the right.
        const right = sample === "y" && x + 1 < width ? 1 : 0;
        bytes[at++] = paint(x + right, y)[sample];
      }
    }
  }
  return bytes;
}

/** One moving picture of one size and format. */
export class MovingPattern {
  /** For each position of the movement: each plane's bytes, and where they go in the frame. */
  readonly #frames: readonly (readonly { readonly bytes: Uint8Array; readonly at: number }[])[];

  /**
   * @param name one of `MOVING_PATTERNS`
   * @throws {FormatError} for another name, or a format whose bytes are not samples
   */
  constructor(name: string, format: PixelFormat, width: number, height: number) {
    if (!MOVING_PATTERNS.includes(name)) {
      throw new FormatError(`no pattern "${name}"; there are ${MOVING_PATTERNS.join(", ")}`);
    }
    if (!isDrawable(format)) throw new FormatError(`a pattern cannot be ${format.name}`);
    const tall = height + PERIOD_ROWS;
    const paint = paintOf(name, width, tall);
    const rows = Math.max(STEP_ROWS, ...format.planes.map(({ down }) => down));
    let at = 0;
    const planes = format.planes.map((plane) => {
      const size = planeBytes(plane, width, height);
      const step = rowBytes(plane, width) * rows / plane.down;
      const painted = { bytes: paintPlane(plane, paint, width, tall), step, size, at };
      at += size;
      return painted;
    });
    this.#frames = Array.from(
      { length: PERIOD_ROWS / rows },
      (_, i) =>
        planes.map(({ bytes, step, size, at }) => ({
          bytes: bytes.subarray(i * step, i * step + size),
          at,
        })),
    );
  }

  /** Puts frame `number` into memory that is large enough; allocates nothing. */
  fill(frame: Uint8Array, number: number): void {
    const planes = this.#frames[number % this.#frames.length];
    for (let i = 0; i < planes.length; i++) frame.set(planes[i].bytes, planes[i].at);
  }
}
